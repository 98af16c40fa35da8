//! `Min`: element-wise smallest of all operands with broadcasting; NaN if any is.
//! <https://onnx.ai/onnx/operators/onnx__Min.html>

use super::common::binary::number;
use super::common::unary::is_number;
use super::common::variadic::Variadic;
use crate::Dim;

pub static MIN: Variadic = Variadic {
    name: "Min",
    types: is_number,
    step: |a, b| number(a, b, |a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }, i128::min),
    last: |v, _| v,
    lower: |a, b| a.min(b),
    lower_last: |v, _| v,
    dims: Some(Dim::min_of),
};
