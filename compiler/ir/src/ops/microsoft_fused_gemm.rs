//! `com.microsoft.FusedGemm`: `activation(alpha * A' B' + beta * C)`, where `'` transposes when asked to.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::Composite;
use super::common::elementwise::sample_floats;
use super::common::fused_activation::activated;
use super::common::qlinear::composite;
use crate::{Arity, Attrs, Ctx, Result, Sample, Value, attrs};

attrs!(FusedGemmAttrs {
    /// Name of the function that is applied last.
    activation: String = "".into(),
    /// Its first parameter.
    activation_alpha: Option<f32>,
    /// Its second parameter.
    activation_beta: Option<f32>,
    /// Its third parameter.
    activation_gamma: Option<f32>,
    /// Factor of the product.
    alpha: f32 = 1.0,
    /// Factor of C.
    beta: f32 = 1.0,
    /// Whether A is transposed.
    transA: bool = false,
    /// Whether B is transposed.
    transB: bool = false,
});

/// See the module.
pub static MICROSOFT_FUSED_GEMM: Composite =
    composite("FusedGemm", FusedGemmAttrs::SCHEMA, Arity::range(2, 3), define, samples);

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = FusedGemmAttrs::read(c.attrs)?;
    let mut attrs = c.attrs.clone();
    for name in ["activation", "activation_alpha", "activation_beta", "activation_gamma"] {
        attrs.remove(name);
    }
    let y = b.optional("Gemm", attrs, x)?;
    // Selu has its parameters under the names alpha and gamma, all others under alpha and beta.
    let second = if a.activation == "Selu" { a.activation_gamma } else { a.activation_beta };
    let p: Vec<f32> = a.activation_alpha.into_iter().chain(second).collect();
    Ok(vec![activated(b, y, &a.activation, &p)?])
}

fn samples() -> Vec<Sample> {
    let f = sample_floats;
    let with = |name: &str| Attrs::new().with("activation", name);
    let scaled = with("Relu").with("alpha", 0.5f32).with("beta", 2.0f32).with("transA", 1i64).with("transB", 1i64);
    let hard = with("HardSigmoid").with("activation_alpha", 0.1f32).with("activation_beta", 0.4f32);
    let selu = with("Selu").with("activation_alpha", 1.5f32).with("activation_gamma", 1.2f32);
    let s = |a: Attrs| Sample::new(a, vec![f(&[2, 3], 1), f(&[3, 4], 2)]);
    vec![
        Sample::new(scaled, vec![f(&[3, 2], 1), f(&[4, 3], 2), f(&[4], 3)]),
        s(hard),
        s(selu),
        s(with("LeakyRelu")),
        s(with("Softplus")),
        s(Attrs::new()),
    ]
}
