//! `Mish`: `x * tanh(softplus(x))`. <https://onnx.ai/onnx/operators/onnx__Mish.html>

use super::common::unary::{Unary, float};
use super::softplus::{softplus, softplus_expr};
use crate::DType;
use crate::lower::Un;

pub static MISH: Unary = Unary::new(
    "Mish",
    DType::is_float,
    |_| float(|v| v * softplus(v).tanh()),
    |_, x| Ok(x.mul(&softplus_expr(x).un(Un::Tanh))),
);
