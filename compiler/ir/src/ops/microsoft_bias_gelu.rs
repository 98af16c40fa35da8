//! `com.microsoft.BiasGelu`: Gelu of `x + bias`.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::bias_gelu::BiasGelu;
use super::gelu::{gelu, gelu_expr};

pub static MICROSOFT_BIAS_GELU: BiasGelu = BiasGelu { name: "BiasGelu", min: 2, meaning: gelu, lower: gelu_expr };
