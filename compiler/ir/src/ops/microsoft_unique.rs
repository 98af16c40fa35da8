//! `com.microsoft.Unique`: the distinct elements in order of first occurrence, the position of each element among them,
//! and how often each occurs.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given};
use crate::{Arity, Attrs, Ctx, Result, Sample, Tensor, Value};

/// See the module.
pub static MICROSOFT_UNIQUE: Composite = Composite {
    name: "Unique",
    domain: "com.microsoft",
    schema: &[],
    operands: Arity::exactly(1),
    results: Arity::range(1, 3),
    define,
    samples,
};

fn define(b: &mut Builder, _: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let attrs = Attrs::new().with("sorted", 0i64);
    let y = b.results("Unique", attrs, &[Some(given(x, 0, "x")?)], 4)?;
    Ok(vec![y[0], y[2], y[3]])
}

fn samples() -> Vec<Sample> {
    let x = Tensor::f32(&[6], &[3.0, 1.0, 3.0, 2.0, 1.0, 3.0]);
    vec![Sample { outputs: 3, ..Sample::new(Attrs::new(), vec![x]) }]
}
