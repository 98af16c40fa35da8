//! `Gelu`: `x / 2 * (1 + erf(x / sqrt(2)))`, or its approximation by tanh.
//! <https://onnx.ai/onnx/operators/onnx__Gelu.html>

use super::common::unary::{Unary, float};
use crate::lower::{Expr, Un};
use crate::{Attrs, DType, attrs, bail};

attrs!(GeluAttrs {
    /// `none` or `tanh`.
    approximate: String = "none".into(),
});

/// `x / 2 * (1 + erf(x / sqrt(2)))`.
pub fn gelu(x: f64) -> f64 {
    0.5 * x * (1.0 + libm::erf(x * std::f64::consts::FRAC_1_SQRT_2))
}

/// `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))`.
pub fn gelu_tanh(x: f64) -> f64 {
    0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x)).tanh())
}

/// [`gelu`] as an expression.
pub fn gelu_expr(x: &Expr) -> Expr {
    let erf = x.mul(&x.like(std::f64::consts::FRAC_1_SQRT_2)).un(Un::Erf);
    x.mul(&x.like(0.5)).mul(&erf.add(&x.like(1.0)))
}

/// [`gelu_tanh`] as an expression.
pub fn gelu_tanh_expr(x: &Expr) -> Expr {
    let cubic = x.add(&x.mul(x).mul(x).mul(&x.like(0.044715)));
    let tanh = cubic.mul(&x.like((2.0 / std::f64::consts::PI).sqrt())).un(Un::Tanh);
    x.mul(&x.like(0.5)).mul(&tanh.add(&x.like(1.0)))
}

pub static GELU: Unary = Unary {
    schema: GeluAttrs::SCHEMA,
    samples: || vec![Attrs::new(), Attrs::new().with("approximate", "tanh")],
    ..Unary::new(
        "Gelu",
        DType::is_float,
        |a| {
            let a = GeluAttrs::read(a)?;
            match a.approximate.as_str() {
                "none" => float(gelu),
                "tanh" => float(gelu_tanh),
                other => bail!("approximate is {other:?}, expected none or tanh"),
            }
        },
        |a, x| {
            let a = GeluAttrs::read(a)?;
            Ok(if a.approximate == "tanh" { gelu_tanh_expr(x) } else { gelu_expr(x) })
        },
    )
};
