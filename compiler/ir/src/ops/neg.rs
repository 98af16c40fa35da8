//! `Neg`: `-x`. <https://onnx.ai/onnx/operators/onnx__Neg.html>

use super::common::unary::{Unary, is_signed, number};
use crate::lower::Un;

pub static NEG: Unary = Unary::new("Neg", is_signed, |_| number(|v| -v, |v| -v), |_, x| Ok(x.un(Un::Neg)));
