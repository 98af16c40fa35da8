//! `Round`: nearest integer, ties to even. <https://onnx.ai/onnx/operators/onnx__Round.html>

use super::common::unary::{Unary, float};
use crate::DType;
use crate::lower::Un;

pub static ROUND: Unary =
    Unary::new("Round", DType::is_float, |_| float(f64::round_ties_even), |_, x| Ok(x.un(Un::Round)));
