//! `Tan`: tangent of radians. <https://onnx.ai/onnx/operators/onnx__Tan.html>

use super::common::unary::{Unary, float};
use crate::DType;
use crate::lower::Un;

pub static TAN: Unary = Unary::new("Tan", DType::is_float, |_| float(f64::tan), |_, x| Ok(x.un(Un::Tan)));
