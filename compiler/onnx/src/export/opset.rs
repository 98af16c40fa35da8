//! The versions of the domains that a graph needs.

use dlc_ir::{Attrs, OpRef};
use std::collections::BTreeMap;

/// The oldest version in which nearly all operators have their newest form; the most programs can read it.
const COMMON: i64 = 22;

/// Operators of ai.onnx and ai.onnx.ml and attributes that came later; an empty attribute is the operator itself.
const LATER: &[(&str, &str, i64)] = &[
    ("Attention", "", 23),
    ("Attention", "left_window_size", 25),
    ("Attention", "right_window_size", 25),
    ("BitCast", "", 26),
    ("Cast", "round_mode", 24),
    ("CastLike", "round_mode", 24),
    ("CausalConvWithState", "", 27),
    ("CumProd", "", 26),
    ("DequantizeLinear", "output_dtype", 23),
    ("LabelEncoder", "", 2),
    ("LabelEncoder", "keys_tensor", 4),
    ("LabelEncoder", "values_tensor", 4),
    ("LinearAttention", "", 27),
    ("QuantizeLinear", "precision", 23),
    ("RMSNormalization", "", 23),
    ("Range", "stash_type", 27),
    ("RotaryEmbedding", "", 23),
    ("SpaceToDepth", "mode", 28),
    ("SwiGLU", "", 28),
    ("Swish", "", 24),
    ("TensorScatter", "", 24),
    ("TreeEnsemble", "", 5),
    ("TreeEnsembleClassifier", "base_values_as_tensor", 3),
    ("TreeEnsembleClassifier", "class_weights_as_tensor", 3),
    ("TreeEnsembleClassifier", "nodes_hitrates_as_tensor", 3),
    ("TreeEnsembleClassifier", "nodes_values_as_tensor", 3),
    ("TreeEnsembleRegressor", "base_values_as_tensor", 3),
    ("TreeEnsembleRegressor", "nodes_hitrates_as_tensor", 3),
    ("TreeEnsembleRegressor", "nodes_values_as_tensor", 3),
    ("TreeEnsembleRegressor", "target_weights_as_tensor", 3),
];

/// Version of each domain.
#[derive(Debug, Default)]
pub struct Versions(BTreeMap<&'static str, i64>);

impl Versions {
    /// Takes note of an operator.
    pub fn need(&mut self, op: OpRef, attrs: &Attrs) {
        let used = |attr: &str| attr.is_empty() || attrs.get(attr).is_some();
        let later = LATER.iter().filter(|(name, attr, _)| *name == op.name() && used(attr)).map(|l| l.2).max();
        let version = match op.domain() {
            "" => later.unwrap_or(COMMON),
            "ai.onnx.ml" => later.unwrap_or(1),
            _ => 1,
        };
        let v = self.0.entry(op.0.domain()).or_insert(version);
        *v = version.max(*v);
    }

    /// Domains and versions; ai.onnx always is among them.
    pub fn iter(&self) -> impl Iterator<Item = (String, i64)> {
        let plain = self.0.get("").copied().unwrap_or(COMMON);
        let others = self.0.iter().filter(|(d, _)| !d.is_empty()).map(|(d, v)| (d.to_string(), *v));
        std::iter::once((String::new(), plain)).chain(others)
    }
}
