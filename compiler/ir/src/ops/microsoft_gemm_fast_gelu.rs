//! `com.microsoft.GemmFastGelu`: FastGelu of `X W + bias`.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given, optional};
use super::common::elementwise::sample_floats;
use super::common::qlinear::composite;
use crate::{Arity, Attrs, Ctx, Result, Sample, Value};

/// See the module.
pub static MICROSOFT_GEMM_FAST_GELU: Composite = composite("GemmFastGelu", &[], Arity::range(2, 3), define, samples);

fn define(b: &mut Builder, _: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let y = b.plain("MatMul", &[given(x, 0, "X")?, given(x, 1, "W")?])?;
    let operands: Vec<Value> = [Some(y), optional(x, 2)].into_iter().flatten().collect();
    Ok(vec![b.plain("com.microsoft.FastGelu", &operands)?])
}

fn samples() -> Vec<Sample> {
    let x = vec![sample_floats(&[2, 3, 4], 1), sample_floats(&[4, 5], 2), sample_floats(&[5], 3)];
    vec![Sample::new(Attrs::new(), x[..2].to_vec()), Sample::new(Attrs::new(), x)]
}
