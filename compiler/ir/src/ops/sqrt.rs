//! `Sqrt`: square root; NaN below 0. <https://onnx.ai/onnx/operators/onnx__Sqrt.html>

use super::common::unary::{Unary, float};
use crate::DType;
use crate::lower::Un;

pub static SQRT: Unary = Unary::new("Sqrt", DType::is_float, |_| float(f64::sqrt), |_, x| Ok(x.un(Un::Sqrt)));
