//! `Acos`: arc cosine in radians; NaN outside of -1..1. <https://onnx.ai/onnx/operators/onnx__Acos.html>

use super::common::unary::{Unary, float};
use crate::DType;
use crate::lower::Un;

pub static ACOS: Unary = Unary::new("Acos", DType::is_float, |_| float(f64::acos), |_, x| Ok(x.un(Un::Acos)));
