//! `Asinh`: inverse hyperbolic sine. <https://onnx.ai/onnx/operators/onnx__Asinh.html>

use super::common::unary::{Unary, float};
use crate::DType;
use crate::lower::Un;

pub static ASINH: Unary = Unary::new("Asinh", DType::is_float, |_| float(f64::asinh), |_, x| Ok(x.un(Un::Asinh)));
