//! `LessOrEqual`: element-wise `a <= b` with broadcasting. <https://onnx.ai/onnx/operators/onnx__LessOrEqual.html>

use super::common::binary::{Binary, compare, less, to_bool};
use super::common::unary::is_number;
use crate::Dim;

pub static LESS_OR_EQUAL: Binary = Binary {
    name: "LessOrEqual",
    types: is_number,
    result: to_bool,
    meaning: |a, b| compare(a, b, |a, b| a <= b, |a, b| a <= b),
    lower: |a, b| a.le(b),
    dims: |a, b| less(b, a).map(|v| !v).map(|v| Dim::from(i64::from(v))),
};
