//! `ReduceSum`: sum of elements along axes. <https://onnx.ai/onnx/operators/onnx__ReduceSum.html>

use super::common::reduction::{Form, Reduction, sum};
use super::common::unary::is_number;
use crate::lower::{Expr, Monoid};

pub static REDUCE_SUM: Reduction = Reduction {
    name: "ReduceSum",
    types: is_number,
    meaning: |v| sum(v, |v| v),
    lower: Form::Expr(|x, over, _| Expr::reduce(Monoid::Sum, over, x.clone())),
    dims: Some(|v| v[1..].iter().fold(v[0].clone(), |a, b| a + b.clone())),
};
