//! `Sign`: -1, 0 or 1; NaN stays. <https://onnx.ai/onnx/operators/onnx__Sign.html>

use super::common::unary::{Unary, is_number, number};
use crate::lower::Expr;

fn sign(x: &Expr) -> Expr {
    let (zero, one) = (x.like(0.0), x.like(1.0));
    let negative = x.lt(&zero).select(&zero.sub(&one), x);
    x.gt(&zero).select(&one, &negative)
}

pub static SIGN: Unary = Unary::new(
    "Sign",
    is_number,
    |_| number(|v| if v == 0.0 || v.is_nan() { v } else { v.signum() }, i128::signum),
    |_, x| Ok(sign(x)),
);
