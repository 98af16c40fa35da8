//! `Softplus`: `log(1 + exp(x))`. <https://onnx.ai/onnx/operators/onnx__Softplus.html>

use super::common::unary::{Unary, float};
use crate::DType;
use crate::lower::{Expr, Un};

/// `log(1 + exp(x))` without overflow: `max(x, 0) + log(1 + exp(-|x|))`.
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// The same as an expression. `log(1 + e) = log(u) e / (u - 1)` for the rounded sum `u` keeps what of a small `e` the sum
/// loses: the errors of both quotients cancel (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., 1.14.1).
pub fn softplus_expr(x: &Expr) -> Expr {
    let (small, one) = (x.un(Un::Abs).un(Un::Neg).un(Un::Exp), x.like(1.0));
    let sum = small.add(&one);
    let rest = sum.sub(&one);
    let log = rest.eq(&x.like(0.0)).select(&small, &sum.un(Un::Log).mul(&small.div(&rest)));
    x.max(&x.like(0.0)).add(&log)
}

pub static SOFTPLUS: Unary = Unary::new("Softplus", DType::is_float, |_| float(softplus), |_, x| Ok(softplus_expr(x)));
