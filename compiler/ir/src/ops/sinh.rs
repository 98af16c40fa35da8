//! `Sinh`: hyperbolic sine. <https://onnx.ai/onnx/operators/onnx__Sinh.html>

use super::common::unary::{Unary, float};
use crate::DType;
use crate::lower::Un;

pub static SINH: Unary = Unary::new("Sinh", DType::is_float, |_| float(f64::sinh), |_, x| Ok(x.un(Un::Sinh)));
