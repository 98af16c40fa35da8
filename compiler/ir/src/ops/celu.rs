//! `Celu`: `max(0, x) + min(0, alpha * (exp(x / alpha) - 1))`. <https://onnx.ai/onnx/operators/onnx__Celu.html>

use super::common::unary::{Unary, float};
use crate::lower::Un;
use crate::{Attrs, DType, attrs};

attrs!(CeluAttrs {
    /// Coefficient.
    alpha: f32 = 1.0,
});

pub static CELU: Unary = Unary {
    schema: CeluAttrs::SCHEMA,
    samples: || vec![Attrs::new(), Attrs::new().with("alpha", 2.0f32)],
    ..Unary::new(
        "Celu",
        DType::is_float,
        |a| {
            let a = CeluAttrs::read(a)?;
            let alpha = a.alpha as f64;
            float(move |v| v.max(0.0) + (alpha * (v / alpha).exp_m1()).min(0.0) + if v.is_nan() { v } else { 0.0 })
        },
        |a, x| {
            let a = CeluAttrs::read(a)?;
            let (zero, alpha) = (x.like(0.0), x.like(a.alpha as f64));
            let curve = x.div(&alpha).un(Un::Exp).sub(&x.like(1.0)).mul(&alpha);
            Ok(x.max(&zero).add(&curve.min(&zero)))
        },
    )
};
