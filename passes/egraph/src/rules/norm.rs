//! Normalizations: batch normalization becomes scale and shift, the others are put together again.

use crate::{Rule, directed, rule};

/// What is taken from the centred operand, and the layer norm without its scale.
macro_rules! centred {
    () => {
        "(Sub ?x (ReduceMean ?k ?x ?i))"
    };
}
macro_rules! deviation {
    ($d:expr) => {
        concat!("(Sqrt (Add (ReduceMean ?l (Mul ", $d, " ", $d, ") ?j) ?e))")
    };
}
macro_rules! channel_scale {
    () => {
        "(Div ?s (Sqrt (Add ?v (@epsilon ?a ?v))))"
    };
}

pub static RULES: &[Rule] = &[
    rule(
        "batch-norm",
        "(BatchNormalization ?a ?x ?s ?b ?m ?v)",
        concat!(
            "(Add (Mul ?x (Reshape @{} ",
            channel_scale!(),
            " (@channels ?x))) ",
            "(Reshape @{} (Sub ?b (Mul ?m ",
            channel_scale!(),
            ")) (@channels ?x)))"
        ),
    )
    .when("(const ?s) (const ?b) (const ?m) (const ?v) (int ?a training_mode 0 0)"),
    directed(
        "layer-norm",
        concat!("(Mul (Div ", centred!(), " ", deviation!(centred!()), ") ?g)"),
        "(LayerNormalization (@norm ?i ?e ?x) ?x ?g)",
    )
    .when(LAYER),
    directed(
        "layer-norm-scale-first",
        concat!("(Mul ", centred!(), " (Div ?g ", deviation!(centred!()), "))"),
        "(LayerNormalization (@norm ?i ?e ?x) ?x ?g)",
    )
    .when(LAYER),
    directed("layer-norm-bias", "(Add (LayerNormalization ?a ?x ?g) ?b)", "(LayerNormalization ?a ?x ?g ?b)")
        .when("(last_axis ?b ?x) (rank ?b 1) (last_axis ?g ?x)"),
    directed(
        "rms-norm",
        concat!("(Mul (Div ?x ", deviation!("?x"), ") ?g)"),
        "(RMSNormalization (@norm ?j ?e ?x) ?x ?g)",
    )
    .when(RMS),
    directed(
        "rms-norm-left",
        concat!("(Mul ?g (Div ?x ", deviation!("?x"), "))"),
        "(RMSNormalization (@norm ?j ?e ?x) ?x ?g)",
    )
    .when(RMS),
];

const LAYER: &str = "(over_last ?i ?x) (over_last ?j ?x) (int ?k keepdims 1 1) (int ?l keepdims 1 1) \
                     (rank ?g 1) (last_axis ?g ?x) (scalar ?e) (rank_within ?e ?x) (const ?e)";
const RMS: &str = "(over_last ?j ?x) (int ?l keepdims 1 1) (rank ?g 1) (last_axis ?g ?x) \
                   (scalar ?e) (rank_within ?e ?x) (const ?e)";
