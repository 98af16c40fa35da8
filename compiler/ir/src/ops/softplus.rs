//! `Softplus`: `log(1 + exp(x))`. <https://onnx.ai/onnx/operators/onnx__Softplus.html>

use super::common::unary::{Unary, float};
use crate::DType;
use crate::lower::{Expr, Un};

/// `log(1 + exp(x))` without overflow: `max(x, 0) + log(1 + exp(-|x|))`.
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// The same as an expression.
pub fn softplus_expr(x: &Expr) -> Expr {
    let small = x.un(Un::Abs).un(Un::Neg).un(Un::Exp);
    x.max(&x.like(0.0)).add(&small.add(&x.like(1.0)).un(Un::Log))
}

pub static SOFTPLUS: Unary = Unary::new("Softplus", DType::is_float, |_| float(softplus), |_, x| Ok(softplus_expr(x)));
