//! `Or`: element-wise logical or with broadcasting. <https://onnx.ai/onnx/operators/onnx__Or.html>

use super::common::binary::{Binary, is_bool, same};
use crate::Num;

pub static OR: Binary = Binary {
    name: "Or",
    types: is_bool,
    result: same,
    meaning: |a, b| Num::I(a.i() | b.i()),
    lower: |a, b| a.or(b),
    dims: |a, b| Some(a.max_of(b)),
};
