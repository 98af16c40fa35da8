//! `HardSwish`: `x * max(0, min(1, x / 6 + 0.5))`. <https://onnx.ai/onnx/operators/onnx__HardSwish.html>

use super::common::unary::{Unary, float};
use crate::DType;
use crate::lower::Expr;

fn hard_swish(x: &Expr) -> Expr {
    let line = x.div(&x.like(6.0)).add(&x.like(0.5));
    x.mul(&line.min(&x.like(1.0)).max(&x.like(0.0)))
}

pub static HARD_SWISH: Unary = Unary::new(
    "HardSwish",
    DType::is_float,
    |_| float(|v| v * (v / 6.0 + 0.5).clamp(0.0, 1.0)),
    |_, x| Ok(hard_swish(x)),
);
