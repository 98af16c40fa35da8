//! `Sin`: sine of radians. <https://onnx.ai/onnx/operators/onnx__Sin.html>

use super::common::unary::{Unary, float};
use crate::DType;
use crate::lower::Un;

pub static SIN: Unary = Unary::new("Sin", DType::is_float, |_| float(f64::sin), |_, x| Ok(x.un(Un::Sin)));
