//! `Greater`: element-wise `a > b` with broadcasting. <https://onnx.ai/onnx/operators/onnx__Greater.html>

use super::common::binary::{Binary, compare, less, to_bool};
use super::common::unary::is_number;
use crate::Dim;

pub static GREATER: Binary = Binary {
    name: "Greater",
    types: is_number,
    result: to_bool,
    meaning: |a, b| compare(a, b, |a, b| a > b, |a, b| a > b),
    lower: |a, b| a.gt(b),
    dims: |a, b| less(b, a).map(|v| Dim::from(i64::from(v))),
};
