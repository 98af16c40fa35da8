//! `com.microsoft.Range`: `start + i * delta` up to, not including, `limit`; delta is 1 when absent.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given, optional};
use super::common::qlinear::composite;
use crate::{Arity, Attrs, Ctx, Result, Sample, Tensor, Value};

/// See the module.
pub static MICROSOFT_RANGE: Composite = composite("Range", &[], Arity::range(2, 3), define, samples);

fn define(b: &mut Builder, _: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let (start, limit) = (given(x, 0, "start")?, given(x, 1, "limit")?);
    let delta = match optional(x, 2) {
        Some(d) => d,
        None => b.number(b.g.fact(start).dtype, 1.0),
    };
    let mut scalar = |v: Value| b.reshape(v, &[]);
    let operands = [scalar(start)?, scalar(limit)?, scalar(delta)?];
    Ok(vec![b.plain("Range", &operands)?])
}

fn samples() -> Vec<Sample> {
    let one = |v: f32| Tensor::f32(&[], &[v]);
    vec![
        Sample::new(Attrs::new(), vec![Tensor::i64(&[1], &[2]), Tensor::i64(&[1], &[6])]),
        Sample::new(Attrs::new(), vec![one(1.0), one(6.0), one(2.0)]),
    ]
}
