//! `Sum`: element-wise sum of all operands with broadcasting. <https://onnx.ai/onnx/operators/onnx__Sum.html>

use super::common::binary::number;
use super::common::variadic::Variadic;
use crate::DType;

pub static SUM: Variadic = Variadic {
    name: "Sum",
    types: DType::is_float,
    step: |a, b| number(a, b, |a, b| a + b, |a, b| a + b),
    last: |v, _| v,
    lower: |a, b| a.add(b),
    lower_last: |v, _| v,
    dims: None,
};
