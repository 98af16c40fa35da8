//! `Acosh`: inverse hyperbolic cosine; NaN below 1. <https://onnx.ai/onnx/operators/onnx__Acosh.html>

use super::common::unary::{Unary, float};
use crate::DType;
use crate::lower::Un;

pub static ACOSH: Unary = Unary::new("Acosh", DType::is_float, |_| float(f64::acosh), |_, x| Ok(x.un(Un::Acosh)));
