//! `Not`: logical not. <https://onnx.ai/onnx/operators/onnx__Not.html>

use super::common::binary::is_bool;
use super::common::unary::Unary;
use crate::Num;
use crate::lower::Un;

pub static NOT: Unary =
    Unary::new("Not", is_bool, |_| Ok(Box::new(|v| Num::from(!v.truth()))), |_, x| Ok(x.un(Un::Not)));
