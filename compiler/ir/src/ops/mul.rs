//! `Mul`: element-wise product with broadcasting. <https://onnx.ai/onnx/operators/onnx__Mul.html>

use super::common::binary::{Binary, number, same};
use super::common::unary::is_number;

pub static MUL: Binary = Binary {
    name: "Mul",
    types: is_number,
    result: same,
    meaning: |a, b| number(a, b, |a, b| a * b, i128::wrapping_mul),
    lower: |a, b| a.mul(b),
    dims: |a, b| Some(a.clone() * b.clone()),
};
