//! `ReduceL2`: square root of the sum of squares along axes. <https://onnx.ai/onnx/operators/onnx__ReduceL2.html>

use super::common::reduction::{Form, Reduction, square_sum};
use super::common::unary::is_number;
use crate::Num;
use crate::lower::{Expr, Monoid, Ty, Un};

pub static REDUCE_L2: Reduction = Reduction {
    name: "ReduceL2",
    types: is_number,
    meaning: |v| Num::F(square_sum(v).f().sqrt()),
    lower: Form::Expr(|x, over, _| {
        let x = if x.ty().is_float() { x.clone() } else { x.cast(Ty::F64) };
        Expr::reduce(Monoid::Sum, over, x.mul(&x)).un(Un::Sqrt)
    }),
    dims: None,
};
