//! `GreaterOrEqual`: element-wise `a >= b` with broadcasting.
//! <https://onnx.ai/onnx/operators/onnx__GreaterOrEqual.html>

use super::common::binary::{Binary, compare, less, to_bool};
use super::common::unary::is_number;
use crate::Dim;

pub static GREATER_OR_EQUAL: Binary = Binary {
    name: "GreaterOrEqual",
    types: is_number,
    result: to_bool,
    meaning: |a, b| compare(a, b, |a, b| a >= b, |a, b| a >= b),
    lower: |a, b| a.ge(b),
    dims: |a, b| less(a, b).map(|v| !v).map(|v| Dim::from(i64::from(v))),
};
