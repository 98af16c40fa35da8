//! `Atan`: arc tangent in radians. <https://onnx.ai/onnx/operators/onnx__Atan.html>

use super::common::unary::{Unary, float};
use crate::DType;
use crate::lower::Un;

pub static ATAN: Unary = Unary::new("Atan", DType::is_float, |_| float(f64::atan), |_, x| Ok(x.un(Un::Atan)));
