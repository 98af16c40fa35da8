//! `Sigmoid`: `1 / (1 + exp(-x))`. <https://onnx.ai/onnx/operators/onnx__Sigmoid.html>

use super::common::unary::{Unary, float};
use crate::DType;

pub static SIGMOID: Unary =
    Unary::new("Sigmoid", DType::is_float, |_| float(|v| 1.0 / (1.0 + (-v).exp())), |_, x| Ok(x.sigmoid()));
