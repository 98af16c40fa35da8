//! `com.microsoft.QuickGelu`: `x * sigmoid(alpha * x)`.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::unary::{Unary, float};
use crate::{Attrs, DType, attrs};

attrs!(QuickGeluAttrs {
    /// Coefficient inside the sigmoid.
    alpha: f32 = 1.702,
});

pub static MICROSOFT_QUICK_GELU: Unary = Unary {
    domain: "com.microsoft",
    schema: QuickGeluAttrs::SCHEMA,
    samples: || vec![Attrs::new(), Attrs::new().with("alpha", 0.5f32)],
    ..Unary::new(
        "QuickGelu",
        DType::is_float,
        |a| {
            let alpha = QuickGeluAttrs::read(a)?.alpha as f64;
            float(move |v| v / (1.0 + (-alpha * v).exp()))
        },
        |a, x| Ok(x.mul(&x.mul(&x.like(QuickGeluAttrs::read(a)?.alpha as f64)).sigmoid())),
    )
};
