//! `BitwiseOr`: element-wise bitwise or with broadcasting. <https://onnx.ai/onnx/operators/onnx__BitwiseOr.html>

use super::common::binary::{Binary, same, unknown};
use crate::{DType, Num};

pub static BITWISE_OR: Binary = Binary {
    name: "BitwiseOr",
    types: DType::is_int,
    result: same,
    meaning: |a, b| Num::I(a.i() | b.i()),
    lower: |a, b| a.or(b),
    dims: unknown,
};
