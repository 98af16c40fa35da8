//! Constants gather at the right, meet and are folded.

use crate::{Rule, directed, rule};

pub static RULES: &[Rule] = &[
    directed("add-order", "(Add ?c ?x)", "(Add ?x ?c)").when("(const ?c) (not const ?x)"),
    directed("mul-order", "(Mul ?c ?x)", "(Mul ?x ?c)").when("(const ?c) (not const ?x)"),
    directed("add-add", "(Add (Add ?x ?c) ?d)", "(Add ?x (Add ?c ?d))").when("(const ?c) (const ?d) (not const ?x)"),
    directed("mul-mul", "(Mul (Mul ?x ?c) ?d)", "(Mul ?x (Mul ?c ?d))").when("(const ?c) (const ?d) (not const ?x)"),
    directed("weights-mul-mul", "(Mul (Mul ?w ?c) ?d)", "(Mul ?w (Mul ?c ?d))")
        .when("(const ?w) (scalar ?c) (scalar ?d) (const ?c) (const ?d)"),
    directed("sub-const", "(Sub ?x ?c)", "(Add ?x (Neg ?c))").when("(const ?c) (float ?c) (not const ?x)"),
    // Dividing is multiplying by the inverse where the inverse is exact.
    directed("div-const", "(Div ?x ?c)", "(Mul ?x (Reciprocal ?c))").when("(power_of_two ?c) (not const ?x)"),
    rule("div-scalar", "(Div ?x ?c)", "(Mul ?x (Reciprocal ?c))")
        .when("(const ?c) (scalar ?c) (float ?c) (nonzero ?c) (not const ?x)"),
    // A bias is scaled with what it is added to, so that both reach the weights.
    rule("scale-bias", "(Mul (Add ?x ?b) ?c)", "(Add (Mul ?x ?c) (Mul ?b ?c))")
        .when("(const ?b) (const ?c) (scalar ?c) (not const ?x)"),
    directed("div-mul", "(Div (Mul ?x ?c) ?d)", "(Mul ?x (Div ?c ?d))")
        .when("(const ?c) (const ?d) (float ?c) (not const ?x)"),
    directed("div-div", "(Div (Div ?x ?c) ?d)", "(Div ?x (Mul ?c ?d))")
        .when("(const ?c) (const ?d) (float ?c) (not const ?x)"),
    directed("one-over", "(Div ?one ?x)", "(Reciprocal ?x)").when("(is ?one 1) (fits ?one ?x) (float ?x)"),
    directed("add-zero", "(Add ?x ?c)", "?x").when("(is ?c 0) (fits ?c ?x)"),
    directed("sub-zero", "(Sub ?x ?c)", "?x").when("(is ?c 0) (fits ?c ?x)"),
    directed("mul-one", "(Mul ?x ?c)", "?x").when("(is ?c 1) (fits ?c ?x)"),
    directed("div-one", "(Div ?x ?c)", "?x").when("(is ?c 1) (fits ?c ?x)"),
    directed("pow-one", "(Pow ?x ?c)", "?x").when("(is ?c 1) (fits ?c ?x)"),
    directed("zero-sub", "(Sub ?c ?x)", "(Neg ?x)").when("(is ?c 0) (fits ?c ?x)"),
    // A scalar factor moves out of products, to meet others.
    directed("factor-left", "(Mul (Mul ?x ?c) ?y)", "(Mul (Mul ?x ?y) ?c)").when(FACTOR),
    directed("factor-right", "(Mul ?y (Mul ?x ?c))", "(Mul (Mul ?y ?x) ?c)").when(FACTOR),
];

const FACTOR: &str = "(const ?c) (scalar ?c) (not const ?x) (not const ?y)";
