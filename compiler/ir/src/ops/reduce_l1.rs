//! `ReduceL1`: sum of absolute values along axes. <https://onnx.ai/onnx/operators/onnx__ReduceL1.html>

use super::common::reduction::{Form, Reduction, sum};
use super::common::unary::is_number;
use crate::Num;
use crate::lower::{Expr, Monoid, Un};

fn absolute(v: Num) -> Num {
    match v {
        Num::F(v) => Num::F(v.abs()),
        Num::I(v) => Num::I(v.abs()),
    }
}

pub static REDUCE_L1: Reduction = Reduction {
    name: "ReduceL1",
    types: is_number,
    meaning: |v| sum(v, absolute),
    lower: Form::Expr(|x, over, _| Expr::reduce(Monoid::Sum, over, x.un(Un::Abs))),
    dims: None,
};
