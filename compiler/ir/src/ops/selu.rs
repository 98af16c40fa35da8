//! `Selu`: `gamma * x` where it is positive, else `gamma * alpha * (exp(x) - 1)`.
//! <https://onnx.ai/onnx/operators/onnx__Selu.html>

use super::common::unary::{Unary, float};
use crate::lower::Un;
use crate::{Attrs, DType, attrs};

attrs!(SeluAttrs {
    /// Scale of the negative side.
    alpha: f32 = 1.673_263_2,
    /// Scale of both sides.
    gamma: f32 = 1.050_701,
});

pub static SELU: Unary = Unary {
    schema: SeluAttrs::SCHEMA,
    samples: || vec![Attrs::new(), Attrs::new().with("alpha", 2.0f32).with("gamma", 3.0f32)],
    ..Unary::new(
        "Selu",
        DType::is_float,
        |a| {
            let a = SeluAttrs::read(a)?;
            let (alpha, gamma) = (a.alpha as f64, a.gamma as f64);
            float(move |v| gamma * if v > 0.0 { v } else { alpha * v.exp_m1() })
        },
        |a, x| {
            let a = SeluAttrs::read(a)?;
            let curve = x.un(Un::Exp).sub(&x.like(1.0)).mul(&x.like(a.alpha as f64));
            Ok(x.gt(&x.like(0.0)).select(x, &curve).mul(&x.like(a.gamma as f64)))
        },
    )
};
