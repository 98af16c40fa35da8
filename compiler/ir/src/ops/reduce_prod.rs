//! `ReduceProd`: product of elements along axes. <https://onnx.ai/onnx/operators/onnx__ReduceProd.html>

use super::common::reduction::{Form, Reduction};
use super::common::unary::is_number;
use crate::Num;
use crate::lower::{Expr, Monoid};

fn product(v: &[Num]) -> Num {
    let times = |a, b| super::common::binary::number(a, b, |a, b| a * b, i128::wrapping_mul);
    v.iter().copied().reduce(times).unwrap_or(Num::I(1))
}

pub static REDUCE_PROD: Reduction = Reduction {
    name: "ReduceProd",
    types: is_number,
    meaning: product,
    lower: Form::Expr(|x, over, _| Expr::reduce(Monoid::Prod, over, x.clone())),
    dims: Some(|v| v[1..].iter().fold(v[0].clone(), |a, b| a * b.clone())),
};
