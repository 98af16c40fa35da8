//! `Softsign`: `x / (1 + |x|)`. <https://onnx.ai/onnx/operators/onnx__Softsign.html>

use super::common::unary::{Unary, float};
use crate::DType;
use crate::lower::Un;

pub static SOFTSIGN: Unary = Unary::new(
    "Softsign",
    DType::is_float,
    |_| float(|v| v / (1.0 + v.abs())),
    |_, x| Ok(x.div(&x.like(1.0).add(&x.un(Un::Abs)))),
);
