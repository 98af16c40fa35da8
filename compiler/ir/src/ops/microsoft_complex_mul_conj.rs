//! `com.microsoft.ComplexMulConj`: `A * conj(B)` of complex numbers, pairs along the last axis.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given};
use super::common::elementwise::sample_floats;
use super::common::qlinear::composite;
use super::microsoft_complex_mul::product;
use crate::{Arity, Attrs, Ctx, Result, Sample, Value};

/// See the module.
pub static MICROSOFT_COMPLEX_MUL_CONJ: Composite = composite("ComplexMulConj", &[], Arity::exactly(2), define, samples);

fn define(b: &mut Builder, _: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    Ok(vec![product(b, given(x, 0, "A")?, given(x, 1, "B")?, true)?])
}

fn samples() -> Vec<Sample> {
    vec![Sample::new(Attrs::new(), vec![sample_floats(&[2, 3, 2], 1), sample_floats(&[3, 2], 2)])]
}
