//! `Ceil`: smallest integer that is not smaller. <https://onnx.ai/onnx/operators/onnx__Ceil.html>

use super::common::unary::{Unary, float};
use crate::DType;
use crate::lower::Un;

pub static CEIL: Unary = Unary::new("Ceil", DType::is_float, |_| float(f64::ceil), |_, x| Ok(x.un(Un::Ceil)));
