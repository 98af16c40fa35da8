//! `com.microsoft.BiasDropout`: `Dropout(data + bias) + residual`.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given, optional};
use super::common::elementwise::sample_floats;
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value, attrs};

attrs!(BiasDropoutAttrs {
    /// Seed of the random numbers that training draws; absent is 0.
    seed: Option<i64>,
});

/// See the module.
pub static MICROSOFT_BIAS_DROPOUT: Composite = Composite {
    name: "BiasDropout",
    domain: "com.microsoft",
    schema: BiasDropoutAttrs::SCHEMA,
    operands: Arity::range(2, 5),
    results: Arity::range(1, 2),
    define,
    samples,
};

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    BiasDropoutAttrs::read(c.attrs)?;
    let sum = b.plain("Add", &[given(x, 0, "data")?, given(x, 1, "bias")?])?;
    let operands = [Some(sum), optional(x, 3), optional(x, 4)];
    let mut y = b.results("Dropout", c.attrs.clone(), &operands, 2)?;
    if let Some(residual) = optional(x, 2) {
        y[0] = b.plain("Add", &[y[0], residual])?;
    }
    Ok(y)
}

fn samples() -> Vec<Sample> {
    let (x, bias) = (Some(sample_floats(&[2, 3, 4], 1)), Some(sample_floats(&[4], 2)));
    let ratio = Some(Tensor::f32(&[], &[0.4]));
    let training = |v: f64| Some(Tensor::floats(DType::Bool, &[], &[v]));
    let all = |v: f64| vec![x.clone(), bias.clone(), Some(sample_floats(&[2, 3, 4], 3)), ratio.clone(), training(v)];
    let s = |x: Vec<Option<Tensor>>, outputs: usize| Sample { attrs: Attrs::new().with("seed", 7i64), x, outputs };
    vec![s(all(0.0), 2), s(all(1.0), 2), s(vec![x.clone(), bias.clone()], 1)]
}
