//! `Sub`: element-wise difference with broadcasting. <https://onnx.ai/onnx/operators/onnx__Sub.html>

use super::common::binary::{Binary, number, same};
use super::common::unary::is_number;

pub static SUB: Binary = Binary {
    name: "Sub",
    types: is_number,
    result: same,
    meaning: |a, b| number(a, b, |a, b| a - b, |a, b| a - b),
    lower: |a, b| a.sub(b),
    dims: |a, b| Some(a.clone() - b.clone()),
};
