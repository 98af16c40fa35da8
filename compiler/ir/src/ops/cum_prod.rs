//! `CumProd`: running product along an axis. <https://onnx.ai/onnx/operators/onnx__CumProd.html>

use super::common::binary::number;
use super::common::cumulative::Cumulative;
use crate::lower::Bin;

pub static CUM_PROD: Cumulative = Cumulative {
    name: "CumProd",
    start: 1,
    step: |a, b| number(a, b, |a, b| a * b, i128::wrapping_mul),
    lower: Bin::Mul,
};
