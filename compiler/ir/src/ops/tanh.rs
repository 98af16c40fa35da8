//! `Tanh`: hyperbolic tangent. <https://onnx.ai/onnx/operators/onnx__Tanh.html>

use super::common::unary::{Unary, float};
use crate::DType;
use crate::lower::Un;

pub static TANH: Unary = Unary::new("Tanh", DType::is_float, |_| float(f64::tanh), |_, x| Ok(x.un(Un::Tanh)));
