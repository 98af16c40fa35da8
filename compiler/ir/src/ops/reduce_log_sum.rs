//! `ReduceLogSum`: logarithm of the sum along axes. <https://onnx.ai/onnx/operators/onnx__ReduceLogSum.html>

use super::common::reduction::{Form, Reduction, sum};
use super::common::unary::is_number;
use crate::Num;
use crate::lower::{Expr, Monoid, Ty, Un};

pub static REDUCE_LOG_SUM: Reduction = Reduction {
    name: "ReduceLogSum",
    types: is_number,
    meaning: |v| Num::F(sum(v, |v| v).f().ln()),
    lower: Form::Expr(|x, over, _| {
        let x = if x.ty().is_float() { x.clone() } else { x.cast(Ty::F64) };
        Expr::reduce(Monoid::Sum, over, x).un(Un::Log)
    }),
    dims: None,
};
