//! `Log`: natural logarithm; NaN below 0. <https://onnx.ai/onnx/operators/onnx__Log.html>

use super::common::unary::{Unary, float};
use crate::DType;
use crate::lower::Un;

pub static LOG: Unary = Unary::new("Log", DType::is_float, |_| float(f64::ln), |_, x| Ok(x.un(Un::Log)));
