//! `com.microsoft.BiasAdd`: `X + bias + skip`.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given};
use super::common::elementwise::sample_floats;
use super::common::qlinear::composite;
use crate::{Arity, Attrs, Ctx, Result, Sample, Value};

/// See the module.
pub static MICROSOFT_BIAS_ADD: Composite = composite("BiasAdd", &[], Arity::exactly(3), define, samples);

fn define(b: &mut Builder, _: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let v = b.plain("Add", &[given(x, 0, "X")?, given(x, 1, "bias")?])?;
    Ok(vec![b.plain("Add", &[v, given(x, 2, "skip")?])?])
}

fn samples() -> Vec<Sample> {
    let x = [sample_floats(&[2, 3, 4], 1), sample_floats(&[4], 2), sample_floats(&[2, 3, 4], 3)];
    vec![Sample::new(Attrs::new(), x.to_vec())]
}
