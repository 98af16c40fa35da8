//! `Cos`: cosine of radians. <https://onnx.ai/onnx/operators/onnx__Cos.html>

use super::common::unary::{Unary, float};
use crate::DType;
use crate::lower::Un;

pub static COS: Unary = Unary::new("Cos", DType::is_float, |_| float(f64::cos), |_, x| Ok(x.un(Un::Cos)));
