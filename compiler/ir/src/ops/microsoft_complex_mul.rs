//! `com.microsoft.ComplexMul`: `A * B` of complex numbers, pairs along the last axis.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given};
use super::common::elementwise::sample_floats;
use super::common::qlinear::composite;
use crate::{Arity, Attrs, Ctx, Result, Sample, Value};

/// See the module.
pub static MICROSOFT_COMPLEX_MUL: Composite = composite("ComplexMul", &[], Arity::exactly(2), define, samples);

fn define(b: &mut Builder, _: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    Ok(vec![product(b, given(x, 0, "A")?, given(x, 1, "B")?, false)?])
}

/// `a b`, or `a conj(b)`.
pub(super) fn product(b: &mut Builder, x: Value, y: Value, conjugate: bool) -> Result<Value> {
    let parts = |b: &mut Builder, v: Value| {
        b.results("Split", Attrs::new().with("axis", -1i64).with("num_outputs", 2i64), &[Some(v)], 2)
    };
    let (p, q) = (parts(b, x)?, parts(b, y)?);
    let mut mul = |i: usize, j: usize| b.plain("Mul", &[p[i], q[j]]);
    let [rr, ii, ri, ir] = [mul(0, 0)?, mul(1, 1)?, mul(0, 1)?, mul(1, 0)?];
    let (real, imaginary) = match conjugate {
        false => (b.plain("Sub", &[rr, ii])?, b.plain("Add", &[ri, ir])?),
        true => (b.plain("Add", &[rr, ii])?, b.plain("Sub", &[ir, ri])?),
    };
    b.op("Concat", Attrs::new().with("axis", -1i64), &[real, imaginary])
}

fn samples() -> Vec<Sample> {
    vec![Sample::new(Attrs::new(), vec![sample_floats(&[2, 3, 2], 1), sample_floats(&[3, 2], 2)])]
}
