//! `com.microsoft.RemovePadding`: the tokens of all sequences one after another, without those that fill them up.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given};
use super::common::elementwise::sample_floats;
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value, ensure};

/// See the module.
pub static MICROSOFT_REMOVE_PADDING: Composite = Composite {
    name: "RemovePadding",
    domain: "com.microsoft",
    schema: &[],
    operands: Arity::exactly(2),
    results: Arity::range(1, 4),
    define,
    samples,
};

/// Where a flat mask holds.
fn places(b: &mut Builder, mask: Value) -> Result<Value> {
    let at = b.plain("NonZero", &[mask])?;
    b.reshape(at, &[-1])
}

fn define(b: &mut Builder, _: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let (tokens, counts) = (given(x, 0, "input")?, given(x, 1, "sequence_token_count")?);
    let (t, n) = (b.g.fact(tokens), b.g.fact(counts));
    ensure!(t.rank() == 3, "input is {t}, expected rank 3");
    ensure!(n.rank() == 1 && n.dtype.is_int(), "sequence_token_count is {n}, expected integers of rank 1");
    let dtype = n.dtype;
    let (len, counts) = (b.length(tokens, 1)?, b.cast(counts, DType::I64)?);
    let (position, ends) = (b.range(len)?, b.reshape(counts, &[-1, 1])?);
    let there = b.plain("Less", &[position, ends])?;
    let (shape, flat) = (b.plain("Shape", &[there])?, b.reshape(there, &[-1])?);
    let (kept, not) = (places(b, flat)?, b.plain("Not", &[flat])?);
    let filled = places(b, not)?;
    let join = || Attrs::new().with("axis", 0i64);
    let order = b.op("Concat", join(), &[kept, filled])?;
    let order = b.plain("Reshape", &[order, shape])?;
    let zero = b.ints(&[0]);
    let (rows, along) = (join_sequences(b, tokens)?, b.number(DType::I64, 0.0));
    let output = b.plain("Gather", &[rows, kept])?;
    let sums = b.plain("CumSum", &[counts, along])?;
    let sums = b.op("Concat", join(), &[zero, sums])?;
    let most = b.plain("ReduceMax", &[counts, zero])?;
    Ok(vec![output, b.cast(order, dtype)?, b.cast(sums, dtype)?, b.cast(most, dtype)?])
}

/// (sequences, tokens, size) as (tokens, size).
pub(super) fn join_sequences(b: &mut Builder, v: Value) -> Result<Value> {
    let (all, size) = (b.ints(&[-1]), b.size(v, 2)?);
    let shape = b.op("Concat", Attrs::new().with("axis", 0i64), &[all, size])?;
    b.plain("Reshape", &[v, shape])
}

fn samples() -> Vec<Sample> {
    let s = |counts: &[f64]| {
        let counts = Tensor::floats(DType::I32, &[counts.len()], counts);
        Sample { attrs: Attrs::new(), x: vec![Some(sample_floats(&[3, 4, 2], 1)), Some(counts)], outputs: 4 }
    };
    vec![s(&[1.0, 2.0, 4.0]), s(&[4.0, 0.0, 3.0]), s(&[4.0, 4.0, 4.0])]
}
