//! `BitwiseXor`: element-wise bitwise xor with broadcasting. <https://onnx.ai/onnx/operators/onnx__BitwiseXor.html>

use super::common::binary::{Binary, same, unknown};
use crate::{DType, Num};

pub static BITWISE_XOR: Binary = Binary {
    name: "BitwiseXor",
    types: DType::is_int,
    result: same,
    meaning: |a, b| Num::I(a.i() ^ b.i()),
    lower: |a, b| a.xor(b),
    dims: unknown,
};
