//! `ReduceMin`: smallest element along axes; NaN if any is; true is larger than false.
//! <https://onnx.ai/onnx/operators/onnx__ReduceMin.html>

use super::common::reduction::{Form, Reduction, extreme};
use crate::lower::{Expr, Monoid, Ty};

pub static REDUCE_MIN: Reduction = Reduction {
    name: "ReduceMin",
    types: |_| true,
    meaning: |v| extreme(v, -1),
    lower: Form::Expr(|x, over, _| {
        Expr::reduce(if x.ty() == Ty::Bool { Monoid::And } else { Monoid::Min }, over, x.clone())
    }),
    dims: Some(|v| v[1..].iter().fold(v[0].clone(), |a, b| a.min_of(b))),
};
