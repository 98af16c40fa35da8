//! `com.microsoft.FastGelu`: Gelu by tanh of `x + bias`, where there is a bias.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::bias_gelu::BiasGelu;
use super::gelu::{gelu_tanh, gelu_tanh_expr};

pub static MICROSOFT_FAST_GELU: BiasGelu =
    BiasGelu { name: "FastGelu", min: 1, meaning: gelu_tanh, lower: gelu_tanh_expr };
