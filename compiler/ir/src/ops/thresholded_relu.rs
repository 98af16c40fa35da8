//! `ThresholdedRelu`: `x` where it is above alpha, else 0. <https://onnx.ai/onnx/operators/onnx__ThresholdedRelu.html>

use super::common::unary::{Unary, float};
use crate::{Attrs, DType, attrs};

attrs!(ThresholdedReluAttrs {
    /// Threshold.
    alpha: f32 = 1.0,
});

pub static THRESHOLDED_RELU: Unary = Unary {
    schema: ThresholdedReluAttrs::SCHEMA,
    samples: || vec![Attrs::new(), Attrs::new().with("alpha", 2.0f32)],
    ..Unary::new(
        "ThresholdedRelu",
        DType::is_float,
        |a| {
            let a = ThresholdedReluAttrs::read(a)?;
            float(move |v| if v > a.alpha as f64 { v } else { 0.0 })
        },
        |a, x| {
            let a = ThresholdedReluAttrs::read(a)?;
            Ok(x.gt(&x.like(a.alpha as f64)).select(x, &x.like(0.0)))
        },
    )
};
