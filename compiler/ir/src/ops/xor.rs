//! `Xor`: element-wise logical xor with broadcasting. <https://onnx.ai/onnx/operators/onnx__Xor.html>

use super::common::binary::{Binary, is_bool, same, unknown};
use crate::Num;

pub static XOR: Binary = Binary {
    name: "Xor",
    types: is_bool,
    result: same,
    meaning: |a, b| Num::I(a.i() ^ b.i()),
    lower: |a, b| a.xor(b),
    dims: unknown,
};
