//! `ReduceMean`: mean of elements along axes. <https://onnx.ai/onnx/operators/onnx__ReduceMean.html>

use super::common::reduction::{Form, Reduction, sum};
use super::common::unary::is_number;
use crate::Num;
use crate::lower::{Expr, Monoid};

/// Mean of the elements; integers truncate; NaN, and 0 as an integer, where there is none.
pub fn mean(v: &[Num]) -> Num {
    match v.len() as i128 {
        0 => Num::F(f64::NAN),
        n => super::common::binary::number(sum(v, |v| v), Num::I(n), |a, b| a / b, |a, b| a / b),
    }
}

pub static REDUCE_MEAN: Reduction = Reduction {
    name: "ReduceMean",
    types: is_number,
    meaning: mean,
    lower: Form::Expr(|x, over, n| Expr::reduce(Monoid::Sum, over, x.clone()).div(&n.cast(x.ty()))),
    dims: None,
};
