//! `Abs`: absolute value; the smallest integer stays. <https://onnx.ai/onnx/operators/onnx__Abs.html>

use super::common::unary::{Unary, is_number, number};
use crate::lower::Un;

pub static ABS: Unary = Unary::new("Abs", is_number, |_| number(f64::abs, i128::abs), |_, x| Ok(x.un(Un::Abs)));
