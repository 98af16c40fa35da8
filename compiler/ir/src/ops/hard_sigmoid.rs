//! `HardSigmoid`: `max(0, min(1, alpha * x + beta))`. <https://onnx.ai/onnx/operators/onnx__HardSigmoid.html>

use super::common::unary::{Unary, float};
use crate::{Attrs, DType, attrs};

attrs!(HardSigmoidAttrs {
    /// Slope.
    alpha: f32 = 0.2,
    /// Value at 0.
    beta: f32 = 0.5,
});

pub static HARD_SIGMOID: Unary = Unary {
    schema: HardSigmoidAttrs::SCHEMA,
    samples: || vec![Attrs::new(), Attrs::new().with("alpha", 0.5f32).with("beta", 0.6f32)],
    ..Unary::new(
        "HardSigmoid",
        DType::is_float,
        |a| {
            let a = HardSigmoidAttrs::read(a)?;
            float(move |v| (a.alpha as f64 * v + a.beta as f64).clamp(0.0, 1.0))
        },
        |a, x| {
            let a = HardSigmoidAttrs::read(a)?;
            let line = x.mul(&x.like(a.alpha as f64)).add(&x.like(a.beta as f64));
            Ok(line.min(&x.like(1.0)).max(&x.like(0.0)))
        },
    )
};
