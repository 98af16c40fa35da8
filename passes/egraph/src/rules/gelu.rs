//! Gelu, as exporters take it apart. Constants were moved right before, so that `x/2 * (1 + erf(x/sqrt 2))` is found
//! in all its orders as `(x * (erf(..) + 1)) * 1/2`.

use crate::{Rule, directed};

pub static RULES: &[Rule] = &[
    directed("gelu-div", "(Mul ?x (Add (Erf (Div ?x ?c)) ?one))", TWICE).when(ROOT),
    directed("gelu-div-left", "(Mul (Add (Erf (Div ?x ?c)) ?one) ?x)", TWICE).when(ROOT),
    directed("gelu-mul", "(Mul ?x (Add (Erf (Mul ?x ?c)) ?one))", TWICE).when(INVERSE),
    directed("gelu-mul-left", "(Mul (Add (Erf (Mul ?x ?c)) ?one) ?x)", TWICE).when(INVERSE),
    directed("gelu-tanh", "(Mul ?x (Add (Tanh (Mul (Add ?x (Mul (Mul (Mul ?x ?x) ?x) ?k)) ?c)) ?one))", TWICE_TANH)
        .when(TANH),
    directed("gelu-tanh-left", "(Mul (Add (Tanh (Mul (Add ?x (Mul (Mul (Mul ?x ?x) ?x) ?k)) ?c)) ?one) ?x)", TWICE_TANH)
        .when(TANH),
    directed("gelu-tanh-factored", "(Mul ?x (Add (Tanh (Mul (Mul ?x (Add (Mul (Mul ?x ?x) ?k) ?one)) ?c)) ?uno))", TWICE_TANH)
        .when("(is ?k 0.044715) (is ?c 0.7978846) (is ?one 1) (is ?uno 1) (fits ?k ?x) (fits ?c ?x) (fits ?one ?x) (fits ?uno ?x)"),
];

const TWICE: &str = "(Mul (Gelu @{} ?x) (@like 2 ?x))";
const TWICE_TANH: &str = "(Mul (Gelu @{approximate=\"tanh\"} ?x) (@like 2 ?x))";
const ROOT: &str = "(is ?c 1.4142135) (is ?one 1) (fits ?c ?x) (fits ?one ?x)";
const INVERSE: &str = "(is ?c 0.70710677) (is ?one 1) (fits ?c ?x) (fits ?one ?x)";
const TANH: &str = "(is ?k 0.044715) (is ?c 0.7978846) (is ?one 1) (fits ?k ?x) (fits ?c ?x) (fits ?one ?x)";
