//! `Cosh`: hyperbolic cosine. <https://onnx.ai/onnx/operators/onnx__Cosh.html>

use super::common::unary::{Unary, float};
use crate::DType;
use crate::lower::Un;

pub static COSH: Unary = Unary::new("Cosh", DType::is_float, |_| float(f64::cosh), |_, x| Ok(x.un(Un::Cosh)));
