//! `ReduceMax`: largest element along axes; NaN if any is; true is larger than false.
//! <https://onnx.ai/onnx/operators/onnx__ReduceMax.html>

use super::common::reduction::{Form, Reduction, extreme};
use crate::lower::{Expr, Monoid, Ty};

pub static REDUCE_MAX: Reduction = Reduction {
    name: "ReduceMax",
    types: |_| true,
    meaning: |v| extreme(v, 1),
    lower: Form::Expr(|x, over, _| {
        Expr::reduce(if x.ty() == Ty::Bool { Monoid::Or } else { Monoid::Max }, over, x.clone())
    }),
    dims: Some(|v| v[1..].iter().fold(v[0].clone(), |a, b| a.max_of(b))),
};
