//! `Equal`: element-wise `a == b` with broadcasting; NaN equals nothing.
//! <https://onnx.ai/onnx/operators/onnx__Equal.html>

use super::common::binary::{Binary, compare, equal, to_bool};
use crate::Dim;

pub static EQUAL: Binary = Binary {
    name: "Equal",
    types: |_| true,
    result: to_bool,
    meaning: |a, b| compare(a, b, |a, b| a == b, |a, b| a == b),
    lower: |a, b| a.eq(b),
    dims: |a, b| equal(a, b).map(|v| Dim::from(i64::from(v))),
};
