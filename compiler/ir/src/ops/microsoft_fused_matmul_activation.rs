//! `com.microsoft.FusedMatMulActivation`: a function of `com.microsoft.FusedMatMul`.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given};
use super::common::elementwise::sample_floats;
use super::common::fused_activation::activated;
use super::common::qlinear::composite;
use crate::{Arity, Attrs, Ctx, Result, Sample, Value, attrs};

attrs!(FusedMatMulActivationAttrs {
    /// Name of the function that is applied last.
    activation: String,
    /// Its first parameter.
    activation_alpha: Option<f32>,
    /// Its axis, if it has one.
    activation_axis: Option<i64>,
    /// Its second parameter.
    activation_beta: Option<f32>,
    /// Its third parameter.
    activation_gamma: Option<f32>,
    /// Factor of the product.
    alpha: f32 = 1.0,
    /// Whether the last two axes of A are swapped.
    transA: bool = false,
    /// Whether the last two axes of B are swapped.
    transB: bool = false,
    /// Whether the first axis of A becomes the one before the last.
    transBatchA: bool = false,
    /// Whether the first axis of B becomes the one before the last.
    transBatchB: bool = false,
});

/// See the module.
pub static MICROSOFT_FUSED_MATMUL_ACTIVATION: Composite =
    composite("FusedMatMulActivation", FusedMatMulActivationAttrs::SCHEMA, Arity::exactly(2), define, samples);

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = FusedMatMulActivationAttrs::read(c.attrs)?;
    let mut attrs = c.attrs.clone();
    for name in ["activation", "activation_alpha", "activation_axis", "activation_beta", "activation_gamma"] {
        attrs.remove(name);
    }
    let y = b.op("com.microsoft.FusedMatMul", attrs, &[given(x, 0, "A")?, given(x, 1, "B")?])?;
    if a.activation == "Softmax" {
        return Ok(vec![b.op("Softmax", Attrs::new().with("axis", a.activation_axis.unwrap_or(-1)), &[y])?]);
    }
    // Selu has its parameters under the names alpha and gamma, all others under alpha and beta.
    let second = if a.activation == "Selu" { a.activation_gamma } else { a.activation_beta };
    let p: Vec<f32> = a.activation_alpha.into_iter().chain(second).collect();
    Ok(vec![activated(b, y, &a.activation, &p)?])
}

fn samples() -> Vec<Sample> {
    let s = |a: Attrs| Sample::new(a, vec![sample_floats(&[3, 2], 1), sample_floats(&[4, 3], 2)]);
    let swapped = Attrs::new().with("transA", 1i64).with("transB", 1i64).with("alpha", 0.5f32);
    let with = |name: &str| swapped.clone().with("activation", name);
    let batches = Attrs::new().with("transBatchA", 1i64).with("transBatchB", 1i64).with("activation", "Relu");
    vec![
        s(with("HardSigmoid").with("activation_alpha", 0.1f32).with("activation_beta", 0.4f32)),
        s(with("Selu").with("activation_alpha", 1.5f32).with("activation_gamma", 1.2f32)),
        s(with("Softmax").with("activation_axis", 0i64)),
        Sample::new(batches, vec![sample_floats(&[3, 2, 4], 1), sample_floats(&[4, 2, 5], 2)]),
    ]
}
