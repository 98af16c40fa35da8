//! `Div`: element-wise quotient with broadcasting; integers truncate, and give 0 where divided by 0.
//! <https://onnx.ai/onnx/operators/onnx__Div.html>

use super::common::binary::{Binary, number, same};
use super::common::unary::is_number;
use crate::Dim;

/// The quotient of constants, and of products that one divides.
fn quotient(a: &Dim, b: &Dim) -> Option<Dim> {
    match (a.as_const(), b.as_const()) {
        (Some(a), Some(b)) => Some(a.checked_div(b).unwrap_or(0).into()),
        (_, Some(b)) if b != 0 => a.exact_div(&b.into()),
        (None, None) if !b.is_zero() => a.exact_div(b),
        _ => None,
    }
}

pub static DIV: Binary = Binary {
    name: "Div",
    types: is_number,
    result: same,
    meaning: |a, b| number(a, b, |a, b| a / b, |a, b| a.checked_div(b).unwrap_or(0)),
    lower: |a, b| a.div(b),
    dims: |a, b| (a.at_least(0) && b.at_least(1)).then(|| a.div(b)).or_else(|| quotient(a, b)),
};
