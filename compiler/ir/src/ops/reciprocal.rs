//! `Reciprocal`: `1 / x`. <https://onnx.ai/onnx/operators/onnx__Reciprocal.html>

use super::common::unary::{Unary, float};
use crate::DType;

pub static RECIPROCAL: Unary =
    Unary::new("Reciprocal", DType::is_float, |_| float(|v| 1.0 / v), |_, x| Ok(x.like(1.0).div(x)));
