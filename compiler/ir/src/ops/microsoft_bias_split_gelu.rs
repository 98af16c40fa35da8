//! `com.microsoft.BiasSplitGelu`: `a * Gelu(b)` of the two halves of `X + bias`.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given};
use super::common::elementwise::sample_floats;
use super::common::qlinear::composite;
use crate::{Arity, Attrs, Ctx, Result, Sample, Value};

/// See the module.
pub static MICROSOFT_BIAS_SPLIT_GELU: Composite = composite("BiasSplitGelu", &[], Arity::exactly(2), define, samples);

fn define(b: &mut Builder, _: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let v = b.plain("Add", &[given(x, 0, "X")?, given(x, 1, "bias")?])?;
    let halves = b.results("Split", Attrs::new().with("axis", -1i64).with("num_outputs", 2i64), &[Some(v)], 2)?;
    let gate = b.plain("Gelu", &[halves[1]])?;
    Ok(vec![b.plain("Mul", &[halves[0], gate])?])
}

fn samples() -> Vec<Sample> {
    vec![Sample::new(Attrs::new(), vec![sample_floats(&[2, 3, 8], 1), sample_floats(&[8], 2)])]
}
