//! Element-wise operators on themselves, and activations that exporters take apart.

use crate::{Rule, directed};

pub static RULES: &[Rule] = &[
    directed("identity", "(Identity ?x)", "?x"),
    directed("relu-relu", "(Relu (Relu ?x))", "(Relu ?x)"),
    directed("abs-abs", "(Abs (Abs ?x))", "(Abs ?x)"),
    directed("abs-neg", "(Abs (Neg ?x))", "(Abs ?x)"),
    directed("relu-abs", "(Relu (Abs ?x))", "(Abs ?x)").when("(float ?x)"),
    directed("relu-sigmoid", "(Relu (Sigmoid ?x))", "(Sigmoid ?x)"),
    directed("relu-exp", "(Relu (Exp ?x))", "(Exp ?x)"),
    directed("neg-neg", "(Neg (Neg ?x))", "?x"),
    directed("not-not", "(Not (Not ?x))", "?x"),
    directed("floor-floor", "(Floor (Floor ?x))", "(Floor ?x)"),
    directed("ceil-ceil", "(Ceil (Ceil ?x))", "(Ceil ?x)"),
    directed("max-same", "(Max ?x ?x)", "?x"),
    directed("min-same", "(Min ?x ?x)", "?x"),
    directed("max-zero", "(Max ?x ?zero)", "(Relu ?x)").when("(is ?zero 0) (fits ?zero ?x)"),
    directed("zero-max", "(Max ?zero ?x)", "(Relu ?x)").when("(is ?zero 0) (fits ?zero ?x)"),
    directed("min-max", "(Min (Max ?x ?lo) ?hi)", "(Clip ?x ?lo ?hi)")
        .when("(const ?lo) (const ?hi) (fits ?lo ?x) (fits ?hi ?x)"),
    directed("clip-clip", "(Clip (Clip ?x ?a ?b) ?c ?d)", "(Clip ?x (Clip ?a ?c ?d) (Clip ?b ?c ?d))")
        .when("(ordered ?a ?b) (ordered ?c ?d)"),
    directed("clip-relu", "(Clip (Relu ?x) ?a ?b)", "(Clip ?x (Relu ?a) ?b)").when("(ordered ?a ?b)"),
    directed("relu-clip", "(Relu (Clip ?x ?a ?b))", "(Clip ?x (Relu ?a) (Relu ?b))").when("(ordered ?a ?b)"),
    directed("add-neg", "(Add ?x (Neg ?y))", "(Sub ?x ?y)").when("(not const ?y)"),
    directed("neg-add", "(Add (Neg ?x) ?y)", "(Sub ?y ?x)").when("(not const ?x)"),
    directed("sub-neg", "(Sub ?x (Neg ?y))", "(Add ?x ?y)"),
    directed("mul-reciprocal", "(Mul ?x (Reciprocal ?y))", "(Div ?x ?y)").when("(not const ?y)"),
    directed("reciprocal-mul", "(Mul (Reciprocal ?y) ?x)", "(Div ?x ?y)").when("(not const ?y)"),
    directed("square", "(Pow ?x ?two)", "(Mul ?x ?x)").when("(is ?two 2) (fits ?two ?x)"),
    directed("cube", "(Pow ?x ?three)", "(Mul (Mul ?x ?x) ?x)").when("(is ?three 3) (fits ?three ?x)"),
    directed("cube-left", "(Mul ?x (Mul ?x ?x))", "(Mul (Mul ?x ?x) ?x)"),
    directed("root", "(Pow ?x ?half)", "(Sqrt ?x)").when("(is ?half 0.5) (fits ?half ?x)"),
    // SiLU and its scaled form.
    directed("swish", "(Mul ?x (Sigmoid ?x))", "(Swish @{} ?x)"),
    directed("swish-left", "(Mul (Sigmoid ?x) ?x)", "(Swish @{} ?x)"),
    directed("swish-scaled", "(Mul ?x (Sigmoid (Mul ?x ?c)))", "(Swish (@alpha ?c) ?x)")
        .when("(scalar ?c) (fits ?c ?x)"),
    directed("hard-sigmoid", "(Div (Clip (Add ?x ?three) ?zero ?six) ?last)", HARD_SIGMOID).when(SIXTH),
    directed("hard-sigmoid-times", "(Mul (Clip (Add ?x ?three) ?zero ?six) ?last)", HARD_SIGMOID)
        .when("(is ?three 3) (is ?zero 0) (is ?six 6) (is ?last 0.1666667) (fits ?three ?x) (fits ?last ?x)"),
    directed("hard-swish", "(Mul ?x (HardSigmoid ?a ?x))", "(HardSwish ?x)").when(HARD),
    directed("hard-swish-left", "(Mul (HardSigmoid ?a ?x) ?x)", "(HardSwish ?x)").when(HARD),
    directed("hard-swish-whole", "(Div (Mul ?x (Clip (Add ?x ?three) ?zero ?six)) ?last)", "(HardSwish ?x)")
        .when(SIXTH),
    // Mish is x * tanh(softplus(x)).
    directed("mish", "(Mul ?x (Tanh (Softplus ?x)))", "(Mish ?x)"),
    directed("mish-left", "(Mul (Tanh (Softplus ?x)) ?x)", "(Mish ?x)"),
];

const HARD: &str = "(number ?a alpha 0.2 0.1666667) (number ?a beta 0.5 0.5)";
const SIXTH: &str = "(is ?three 3) (is ?zero 0) (is ?six 6) (is ?last 6) (fits ?three ?x) (fits ?last ?x)";
const HARD_SIGMOID: &str = "(HardSigmoid @{alpha=0.16666667f,beta=0.5f} ?x)";
