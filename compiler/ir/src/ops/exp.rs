//! `Exp`: `e^x`. <https://onnx.ai/onnx/operators/onnx__Exp.html>

use super::common::unary::{Unary, float};
use crate::DType;
use crate::lower::Un;

pub static EXP: Unary = Unary::new("Exp", DType::is_float, |_| float(f64::exp), |_, x| Ok(x.un(Un::Exp)));
