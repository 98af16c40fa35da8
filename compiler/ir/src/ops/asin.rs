//! `Asin`: arc sine in radians; NaN outside of -1..1. <https://onnx.ai/onnx/operators/onnx__Asin.html>

use super::common::unary::{Unary, float};
use crate::DType;
use crate::lower::Un;

pub static ASIN: Unary = Unary::new("Asin", DType::is_float, |_| float(f64::asin), |_, x| Ok(x.un(Un::Asin)));
