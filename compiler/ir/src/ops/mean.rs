//! `Mean`: element-wise mean of all operands with broadcasting. <https://onnx.ai/onnx/operators/onnx__Mean.html>

use super::common::binary::number;
use super::common::variadic::Variadic;
use crate::{DType, Num};

pub static MEAN: Variadic = Variadic {
    name: "Mean",
    types: DType::is_float,
    step: |a, b| number(a, b, |a, b| a + b, |a, b| a + b),
    last: |v, n| Num::F(v.f() / n as f64),
    lower: |a, b| a.add(b),
    lower_last: |v, n| v.div(&v.like(n as f64)),
    dims: None,
};
