//! `BitwiseNot`: every bit inverted. <https://onnx.ai/onnx/operators/onnx__BitwiseNot.html>

use super::common::unary::{Unary, number};
use crate::DType;
use crate::lower::Un;

pub static BITWISE_NOT: Unary =
    Unary::new("BitwiseNot", DType::is_int, |_| number(|v| v, |v| !v), |_, x| Ok(x.un(Un::Not)));
