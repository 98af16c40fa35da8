//! `Max`: element-wise largest of all operands with broadcasting; NaN if any is.
//! <https://onnx.ai/onnx/operators/onnx__Max.html>

use super::common::binary::number;
use super::common::unary::is_number;
use super::common::variadic::Variadic;
use crate::Dim;

pub static MAX: Variadic = Variadic {
    name: "Max",
    types: is_number,
    step: |a, b| number(a, b, |a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }, i128::max),
    last: |v, _| v,
    lower: |a, b| a.max(b),
    lower_last: |v, _| v,
    dims: Some(Dim::max_of),
};
