//! `CumSum`: running sum along an axis. <https://onnx.ai/onnx/operators/onnx__CumSum.html>

use super::common::binary::number;
use super::common::cumulative::Cumulative;
use crate::lower::Bin;

pub static CUM_SUM: Cumulative = Cumulative {
    name: "CumSum",
    start: 0,
    step: |a, b| number(a, b, |a, b| a + b, i128::wrapping_add),
    lower: Bin::Add,
};
