//! `Elu`: `x` where it is not negative, else `alpha * (exp(x) - 1)`. <https://onnx.ai/onnx/operators/onnx__Elu.html>

use super::common::unary::{Unary, float};
use crate::lower::Un;
use crate::{Attrs, DType, attrs};

attrs!(EluAttrs {
    /// Coefficient.
    alpha: f32 = 1.0,
});

pub static ELU: Unary = Unary {
    schema: EluAttrs::SCHEMA,
    samples: || vec![Attrs::new(), Attrs::new().with("alpha", 2.0f32)],
    ..Unary::new(
        "Elu",
        DType::is_float,
        |a| {
            let a = EluAttrs::read(a)?;
            float(move |v| if v < 0.0 { a.alpha as f64 * v.exp_m1() } else { v })
        },
        |a, x| {
            let a = EluAttrs::read(a)?;
            let curve = x.un(Un::Exp).sub(&x.like(1.0)).mul(&x.like(a.alpha as f64));
            Ok(x.lt(&x.like(0.0)).select(&curve, x))
        },
    )
};
