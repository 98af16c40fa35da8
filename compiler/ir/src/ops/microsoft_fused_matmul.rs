//! `com.microsoft.FusedMatMul`: `alpha * A' B'`, where `'` transposes when asked to.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given};
use super::common::elementwise::sample_floats;
use super::common::qlinear::composite;
use crate::{Arity, Attrs, Ctx, Result, Sample, Value, attrs};

attrs!(FusedMatMulAttrs {
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
pub static MICROSOFT_FUSED_MATMUL: Composite =
    composite("FusedMatMul", FusedMatMulAttrs::SCHEMA, Arity::exactly(2), define, samples);

fn arranged(b: &mut Builder, v: Value, batch: bool, swap: bool) -> Result<Value> {
    let n = b.g.fact(v).rank() as i64;
    if n < 2 || !(batch || swap) {
        return Ok(v);
    }
    let mut perm: Vec<i64> = (0..n).collect();
    if batch {
        perm[..n as usize - 1].rotate_left(1);
    }
    if swap {
        perm.swap(n as usize - 1, n as usize - 2);
    }
    b.transpose(v, &perm)
}

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = FusedMatMulAttrs::read(c.attrs)?;
    let left = arranged(b, given(x, 0, "A")?, a.transBatchA, a.transA)?;
    let right = arranged(b, given(x, 1, "B")?, a.transBatchB, a.transB)?;
    let y = b.plain("MatMul", &[left, right])?;
    if a.alpha == 1.0 {
        return Ok(vec![y]);
    }
    let alpha = b.number(b.g.fact(y).dtype, a.alpha.into());
    Ok(vec![b.plain("Mul", &[y, alpha])?])
}

fn samples() -> Vec<Sample> {
    let s = |a: Attrs, p: &[usize], q: &[usize]| Sample::new(a, vec![sample_floats(p, 1), sample_floats(q, 2)]);
    let a = Attrs::new;
    let batches = a().with("transBatchA", 1i64).with("transBatchB", 1i64);
    vec![
        s(a().with("alpha", 0.5f32), &[2, 3, 4], &[2, 4, 5]),
        s(a().with("transA", 1i64).with("transB", 1i64), &[2, 4, 3], &[2, 5, 4]),
        s(batches, &[3, 2, 4], &[4, 2, 5]),
    ]
}
