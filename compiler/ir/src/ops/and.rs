//! `And`: element-wise logical and with broadcasting. <https://onnx.ai/onnx/operators/onnx__And.html>

use super::common::binary::{Binary, is_bool, same};
use crate::Num;

pub static AND: Binary = Binary {
    name: "And",
    types: is_bool,
    result: same,
    meaning: |a, b| Num::I(a.i() & b.i()),
    lower: |a, b| a.and(b),
    dims: |a, b| Some(a.clone() * b.clone()),
};
