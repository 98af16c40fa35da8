//! `Swish`: `x * sigmoid(alpha * x)`. <https://onnx.ai/onnx/operators/onnx__Swish.html>

use super::common::unary::{Unary, float};
use crate::{Attrs, DType, attrs};

attrs!(SwishAttrs {
    /// Coefficient.
    alpha: f32 = 1.0,
});

pub static SWISH: Unary = Unary {
    schema: SwishAttrs::SCHEMA,
    samples: || vec![Attrs::new(), Attrs::new().with("alpha", 0.5f32)],
    ..Unary::new(
        "Swish",
        DType::is_float,
        |a| {
            let a = SwishAttrs::read(a)?;
            float(move |v| v / (1.0 + (-(a.alpha as f64) * v).exp()))
        },
        |a, x| {
            let a = SwishAttrs::read(a)?;
            Ok(x.mul(&x.mul(&x.like(a.alpha as f64)).sigmoid()))
        },
    )
};
