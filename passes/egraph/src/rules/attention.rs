//! Attention, as exporters take it apart. Keys come transposed; transposes merge, so that any order of axes is found.
//! The scale stays a product with the queries, from where it reaches their weights. With an additive mask it stays
//! apart: ONNX's operator gives 0 where a whole row is masked, Softmax gives no number.

use crate::{Rule, directed};

pub static RULES: &[Rule] = &[
    directed(
        "attention",
        "(MatMul (Softmax ?s (MatMul ?q ?k)) ?v)",
        "(Attention @{scale=1.0f} ?q (Transpose @{perm=[0,1,3,2]} ?k) ?v)",
    )
    .when(FITS),
    directed(
        "attention-scaled",
        "(MatMul (Softmax ?s (Mul (MatMul ?q ?k) ?c)) ?v)",
        "(Attention @{scale=1.0f} (Mul ?q ?c) (Transpose @{perm=[0,1,3,2]} ?k) ?v)",
    )
    .when(FITS_SCALED),
];

const FITS: &str = "(stacked ?q ?k) (stacked ?k ?v) (float ?q) (int ?s axis -1 -1)";
const FITS_SCALED: &str = "(stacked ?q ?k) (stacked ?k ?v) (float ?q) (int ?s axis -1 -1) (scalar ?c) (fits ?c ?q)";
