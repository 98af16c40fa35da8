//! `BitwiseAnd`: element-wise bitwise and with broadcasting. <https://onnx.ai/onnx/operators/onnx__BitwiseAnd.html>

use super::common::binary::{Binary, same, unknown};
use crate::{DType, Num};

pub static BITWISE_AND: Binary = Binary {
    name: "BitwiseAnd",
    types: DType::is_int,
    result: same,
    meaning: |a, b| Num::I(a.i() & b.i()),
    lower: |a, b| a.and(b),
    dims: unknown,
};
