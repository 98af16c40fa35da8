//! `PRelu`: `x` where it is not negative, else `slope * x`, the slope broadcast.
//! <https://onnx.ai/onnx/operators/onnx__PRelu.html>

use super::common::binary::{Binary, number, same, unknown};
use super::common::unary::is_number;

pub static PRELU: Binary = Binary {
    name: "PRelu",
    types: is_number,
    result: same,
    meaning: |x, s| {
        number(x, s, |x, s| if x < 0.0 { x * s } else { x }, |x, s| if x < 0 { x.wrapping_mul(s) } else { x })
    },
    lower: |x, s| x.lt(&x.like(0.0)).select(&x.mul(s), x),
    dims: unknown,
};
