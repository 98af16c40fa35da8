//! `ReduceSumSquare`: sum of squares along axes. <https://onnx.ai/onnx/operators/onnx__ReduceSumSquare.html>

use super::common::reduction::{Form, Reduction, square_sum};
use super::common::unary::is_number;
use crate::lower::{Expr, Monoid};

pub static REDUCE_SUM_SQUARE: Reduction = Reduction {
    name: "ReduceSumSquare",
    types: is_number,
    meaning: square_sum,
    lower: Form::Expr(|x, over, _| Expr::reduce(Monoid::Sum, over, x.mul(x))),
    dims: None,
};
