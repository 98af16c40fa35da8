//! `ArgMax`: position of the largest element of each line. <https://onnx.ai/onnx/operators/onnx__ArgMax.html>

use super::common::arg::Arg;
use crate::lower::Cmp;

pub static ARG_MAX: Arg = Arg { name: "ArgMax", better: Cmp::Gt };
