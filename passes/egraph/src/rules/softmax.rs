//! Softmax, as exporters take it apart.

use crate::{Rule, directed};

pub static RULES: &[Rule] = &[
    directed(
        "softmax",
        "(Div (Exp (Sub ?x (ReduceMax ?k ?x ?i))) (ReduceSum ?l (Exp (Sub ?x (ReduceMax ?k ?x ?i))) ?j))",
        SOFTMAX,
    )
    .when("(int ?k keepdims 1 1) (int ?l keepdims 1 1) (same_axis ?i ?j ?x)"),
    directed("softmax-plain", "(Div (Exp ?x) (ReduceSum ?l (Exp ?x) ?j))", "(Softmax (@axis ?j ?x) ?x)")
        .when("(int ?l keepdims 1 1)"),
    directed("log-softmax", "(Log (Softmax ?a ?x))", "(LogSoftmax ?a ?x)"),
    // Adding the same to a whole axis changes nothing: the maximum that was taken away for safety.
    directed("softmax-shift", "(Softmax ?a (Sub ?x (ReduceMax ?k ?x ?i)))", "(Softmax ?a ?x)")
        .when("(int ?k keepdims 1 1) (axis_of ?a -1 ?i ?x)"),
];

const SOFTMAX: &str = "(Softmax (@axis ?j ?x) ?x)";
