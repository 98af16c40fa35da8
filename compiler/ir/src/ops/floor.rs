//! `Floor`: largest integer that is not larger. <https://onnx.ai/onnx/operators/onnx__Floor.html>

use super::common::unary::{Unary, float};
use crate::DType;
use crate::lower::Un;

pub static FLOOR: Unary = Unary::new("Floor", DType::is_float, |_| float(f64::floor), |_, x| Ok(x.un(Un::Floor)));
