//! `com.microsoft.Gelu`: `x / 2 * (1 + erf(x / sqrt(2)))`.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::unary::{Unary, float};
use super::gelu::{gelu, gelu_expr};
use crate::DType;

pub static MICROSOFT_GELU: Unary =
    Unary { domain: "com.microsoft", ..Unary::new("Gelu", DType::is_float, |_| float(gelu), |_, x| Ok(gelu_expr(x))) };
