//! `Erf`: error function. <https://onnx.ai/onnx/operators/onnx__Erf.html>

use super::common::unary::{Unary, float};
use crate::DType;
use crate::lower::Un;

pub static ERF: Unary = Unary::new("Erf", DType::is_float, |_| float(libm::erf), |_, x| Ok(x.un(Un::Erf)));
