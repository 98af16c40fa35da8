//! `ArgMin`: position of the smallest element of each line. <https://onnx.ai/onnx/operators/onnx__ArgMin.html>

use super::common::arg::Arg;
use crate::lower::Cmp;

pub static ARG_MIN: Arg = Arg { name: "ArgMin", better: Cmp::Lt };
