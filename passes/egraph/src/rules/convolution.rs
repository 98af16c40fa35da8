//! What follows a convolution or a matrix product goes into its weights.

use crate::{Rule, directed, rule};

pub static RULES: &[Rule] = &[
    directed("conv-mul", "(Mul (Conv ?a ?x ?w) ?k)", "(Conv ?a ?x (Mul ?w (Reshape @{} ?k (@filters ?w))))")
        .when("(const ?w) (const ?k) (per_filter ?k ?w)"),
    directed(
        "conv-bias-mul",
        "(Mul (Conv ?a ?x ?w ?b) ?k)",
        "(Conv ?a ?x (Mul ?w (Reshape @{} ?k (@filters ?w))) (Mul ?b (Reshape @{} ?k [-1])))",
    )
    .when("(const ?w) (const ?b) (const ?k) (per_filter ?k ?w)"),
    directed("conv-add", "(Add (Conv ?a ?x ?w) ?k)", "(Conv ?a ?x ?w (Reshape @{} ?k [-1]))")
        .when("(const ?k) (per_filter ?k ?w)"),
    directed("conv-bias-add", "(Add (Conv ?a ?x ?w ?b) ?k)", "(Conv ?a ?x ?w (Add ?b (Reshape @{} ?k [-1])))")
        .when("(const ?b) (const ?k) (per_filter ?k ?w)"),
    directed("conv-scale", "(Mul (Conv ?a ?x ?w) ?k)", "(Conv ?a ?x (Mul ?w (Reshape @{} ?k [1])))")
        .when("(const ?w) (const ?k) (scalar ?k) (rank_within ?k ?w)"),
    directed("matmul-mul", "(Mul (MatMul ?x ?w) ?k)", "(MatMul ?x (Mul ?w (Reshape @{} ?k [-1])))")
        .when("(const ?w) (const ?k) (rank ?w 2) (last_axis ?k ?w) (rank_within ?k ?x)"),
    directed("matmul-scale", "(Mul (MatMul ?x ?w) ?k)", "(MatMul ?x (Mul ?w (Reshape @{} ?k [1])))")
        .when("(const ?w) (const ?k) (scalar ?k) (rank ?w 2) (rank_within ?k ?x)"),
    directed("scale-matmul", "(MatMul (Mul ?x ?k) ?w)", "(MatMul ?x (Mul ?w (Reshape @{} ?k [1])))")
        .when("(const ?w) (const ?k) (scalar ?k) (rank ?w 2) (rank_within ?k ?x)"),
    // A constant factor of both operands of a product is one factor of the result, where it may meet others.
    rule("matmul-factor", "(MatMul (Mul ?x ?k) ?y)", "(Mul (MatMul ?x ?y) ?k)")
        .when("(const ?k) (scalar ?k) (rank ?k 0) (not const ?y)"),
    // Or a factor of the smaller operand, from where it may reach weights.
    rule("matmul-factor-in", "(Mul (MatMul ?x ?y) ?k)", "(MatMul (Mul ?x ?k) ?y)")
        .when("(const ?k) (scalar ?k) (rank ?k 0) (not const ?y)"),
    rule("factor-matmul", "(MatMul ?x (Mul ?y ?k))", "(Mul (MatMul ?x ?y) ?k)")
        .when("(const ?k) (scalar ?k) (rank ?k 0) (not const ?x)"),
];
