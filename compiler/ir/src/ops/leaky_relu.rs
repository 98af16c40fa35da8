//! `LeakyRelu`: `x` where it is not negative, else `alpha * x`. <https://onnx.ai/onnx/operators/onnx__LeakyRelu.html>

use super::common::unary::{Unary, float};
use crate::{Attrs, DType, attrs};

attrs!(LeakyReluAttrs {
    /// Coefficient.
    alpha: f32 = 0.01,
});

pub static LEAKY_RELU: Unary = Unary {
    schema: LeakyReluAttrs::SCHEMA,
    samples: || vec![Attrs::new(), Attrs::new().with("alpha", 0.1f32)],
    ..Unary::new(
        "LeakyRelu",
        DType::is_float,
        |a| {
            let a = LeakyReluAttrs::read(a)?;
            float(move |v| if v < 0.0 { a.alpha as f64 * v } else { v })
        },
        |a, x| {
            let a = LeakyReluAttrs::read(a)?;
            Ok(x.lt(&x.like(0.0)).select(&x.mul(&x.like(a.alpha as f64)), x))
        },
    )
};
