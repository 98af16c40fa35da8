//! Transposes and reshapes: they meet, cancel, and pass element-wise operators.

use crate::{Rule, directed, rule};

/// Both ways past a unary operator, for transposes and reshapes.
macro_rules! unary {
    ($($name:literal $op:literal),*) => { &[ $(
        rule(concat!("transpose-", $name), concat!("(Transpose ?p (", $op, " ?x))"), concat!("(", $op, " (Transpose ?p ?x))")),
        rule(concat!($name, "-transpose"), concat!("(", $op, " (Transpose ?p ?x))"), concat!("(Transpose ?p (", $op, " ?x))")),
        rule(concat!($name, "-reshape"), concat!("(", $op, " (Reshape ?a ?x ?s))"), concat!("(Reshape ?a (", $op, " ?x) ?s)")),
    )* ] };
}

/// Unary operators without attributes.
pub static UNARY: &[Rule] = unary!(
    "relu" "Relu", "sigmoid" "Sigmoid", "tanh" "Tanh", "erf" "Erf", "exp" "Exp", "sqrt" "Sqrt", "neg" "Neg", "abs" "Abs",
    "hard-swish" "HardSwish", "log" "Log"
);

/// A binary operator on operands that are transposed alike, or one of them constant.
macro_rules! binary {
    ($($name:literal $op:literal),*) => { &[ $(
        rule(concat!($name, "-transposes"), concat!("(", $op, " (Transpose ?p ?x) (Transpose ?p ?y))"), concat!("(Transpose ?p (", $op, " ?x ?y))"))
            .when("(same_rank ?x ?y)"),
        rule(concat!($name, "-transpose"), concat!("(", $op, " (Transpose ?p ?x) ?c)"), concat!("(Transpose ?p (", $op, " ?x (Transpose (@inverse ?p ?x) ?c)))"))
            .when("(const ?c) (same_rank ?c ?x)"),
        rule(concat!($name, "-transpose-scalar"), concat!("(", $op, " (Transpose ?p ?x) ?c)"), concat!("(Transpose ?p (", $op, " ?x ?c))"))
            .when("(scalar ?c) (rank ?c 0)"),
    )* ] };
}

/// Binary operators.
pub static BINARY: &[Rule] = binary!("add" "Add", "mul" "Mul", "sub" "Sub", "div" "Div");

pub static RULES: &[Rule] = &[
    directed("transpose-transpose", "(Transpose ?p (Transpose ?q ?x))", "(Transpose (@compose ?p ?q ?x) ?x)"),
    directed("transpose-nothing", "(Transpose ?p ?x)", "?x").when("(in_order ?p ?x)"),
    rule("transpose-matmul", "(Transpose ?p (MatMul ?x ?y))", "(MatMul (Transpose ?p ?y) (Transpose ?p ?x))")
        .when("(rank ?x 2) (rank ?y 2) (not in_order ?p ?x)"),
    directed("reshape-reshape", "(Reshape ?a (Reshape ?b ?x ?s) ?t)", "(Reshape ?a ?x ?t)")
        .when("(copies_no_size ?t) (reshapes ?b ?x ?s)"),
    rule("mul-reshape", "(Mul (Reshape ?a ?x ?s) ?c)", "(Reshape ?a (Mul ?x ?c) ?s)").when("(const ?c) (rank ?c 0)"),
    rule("unsqueeze", "(Unsqueeze ?x ?i)", "(Reshape @{} ?x (@unsqueezed ?x ?i))"),
    rule("squeeze", "(Squeeze ?x ?i)", "(Reshape @{} ?x (@squeezed ?x ?i))"),
    rule("flatten", "(Flatten ?a ?x)", "(Reshape @{} ?x (@flattened ?a ?x))"),
];
