//! `Atanh`: inverse hyperbolic tangent; NaN outside of -1..1. <https://onnx.ai/onnx/operators/onnx__Atanh.html>

use super::common::unary::{Unary, float};
use crate::DType;
use crate::lower::Un;

pub static ATANH: Unary = Unary::new("Atanh", DType::is_float, |_| float(f64::atanh), |_, x| Ok(x.un(Un::Atanh)));
