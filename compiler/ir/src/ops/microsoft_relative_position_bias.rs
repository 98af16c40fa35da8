//! `com.microsoft.RelativePositionBias`: what T5 adds to the products of queries and keys, one number for each head and
//! bucket of distances. <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>
//!
//! The table is declared as [buckets, heads], and holds the buckets of one head after those of another.

use super::common::builder::Builder;
use super::common::composite::{Composite, given};
use super::common::elementwise::sample_floats;
use super::common::stated::Stated;
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value, attrs, bail, ensure};

attrs!(RelativePositionBiasAttrs {
    /// Whether keys after the query have buckets of their own.
    is_bidirectional: bool = false,
    /// Distance from which on all are in the last bucket.
    max_distance: i64,
});

/// See the module.
pub static MICROSOFT_RELATIVE_POSITION_BIAS: Stated = Stated {
    graph: Composite {
        name: "RelativePositionBias",
        domain: "com.microsoft",
        schema: RelativePositionBiasAttrs::SCHEMA,
        operands: Arity::exactly(3),
        results: Arity::exactly(1),
        define,
        samples,
    },
    meaning,
    constant_sizes: &[0],
};

/// Number of buckets of one direction, and how many of them hold one distance each.
fn sides(a: &RelativePositionBiasAttrs, buckets: usize) -> Result<(i64, i64)> {
    let side = buckets as i64 / if a.is_bidirectional { 2 } else { 1 };
    let (exact, far) = (side / 2, a.max_distance);
    ensure!(exact >= 1 && far > exact, "max_distance is {far}, expected more than {exact} for {buckets} buckets");
    Ok((side, exact))
}

/// The bucket of a key `by` positions after the query.
fn bucket(a: &RelativePositionBiasAttrs, (side, exact): (i64, i64), by: i64) -> i64 {
    let first = if a.is_bidirectional && by > 0 { side } else { 0 };
    let d = if a.is_bidirectional { by.abs() } else { (-by).max(0) };
    if d < exact {
        return first + d;
    }
    let span = (a.max_distance as f32 / exact as f32).ln();
    let log = (d as f32 / exact as f32).ln() / span * (side - exact) as f32;
    first + (exact + log as i64).min(side - 1)
}

fn meaning(c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let a = RelativePositionBiasAttrs::read(c.attrs)?;
    let table = need(x, 0, "bias_table")?;
    let (buckets, heads) = (table.shape()[0], table.shape()[1]);
    let length = |i: usize, name: &str| Ok(need(x, i, name)?.to_i64()[0].max(0));
    let (queries, keys) = (length(1, "query_length")?, length(2, "key_length")?);
    let sides = sides(&a, buckets)?;
    let mut out = vec![];
    for h in 0..heads {
        for q in 0..queries {
            out.extend((0..keys).map(|k| table.at(h * buckets + bucket(&a, sides, k - q) as usize)));
        }
    }
    Ok(vec![Tensor::new(table.dtype(), &[1, heads, queries as usize, keys as usize], out)])
}

/// The buckets of all keys after all queries, as [queries, keys].
fn chosen(b: &mut Builder, a: &RelativePositionBiasAttrs, (side, exact): (i64, i64), by: Value) -> Result<Value> {
    let whole = |b: &mut Builder, v: i64| b.number(DType::I64, v as f64);
    let real = |b: &mut Builder, v: f32| b.number(DType::F32, v.into());
    let zero = whole(b, 0);
    let d = match a.is_bidirectional {
        true => b.plain("Abs", &[by])?,
        false => {
            let before = b.plain("Neg", &[by])?;
            b.plain("Max", &[before, zero])?
        }
    };
    let (limit, last) = (whole(b, exact), whole(b, side - 1));
    let (least, span) = (real(b, exact as f32), real(b, (a.max_distance as f32 / exact as f32).ln()));
    let far = b.plain("Max", &[d, limit])?;
    let far = b.cast(far, DType::F32)?;
    let ratio = b.plain("Div", &[far, least])?;
    let log = b.plain("Log", &[ratio])?;
    let (part, steps) = (b.plain("Div", &[log, span])?, real(b, (side - exact) as f32));
    let step = b.plain("Mul", &[part, steps])?;
    let step = b.cast(step, DType::I64)?;
    let step = b.plain("Add", &[limit, step])?;
    let far = b.plain("Min", &[step, last])?;
    let near = b.plain("Less", &[d, limit])?;
    let chosen = b.plain("Where", &[near, d, far])?;
    if !a.is_bidirectional {
        return Ok(chosen);
    }
    let (after, side) = (b.plain("Greater", &[by, zero])?, whole(b, side));
    let first = b.plain("Where", &[after, side, zero])?;
    b.plain("Add", &[first, chosen])
}

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = RelativePositionBiasAttrs::read(c.attrs)?;
    let table = given(x, 0, "bias_table")?;
    let Some([buckets, heads]) = b.g.fact(table).const_shape().and_then(|s| <[usize; 2]>::try_from(s).ok()) else {
        bail!("bias_table is {}, expected known numbers of buckets and heads", b.g.fact(table));
    };
    let sides = sides(&a, buckets)?;
    let positions = |b: &mut Builder, i: usize, name: &str, shape: &[i64]| {
        let n = given(x, i, name)?;
        let negative = b.g.fact(n).as_ints().is_some_and(|n| n.iter().any(|n| *n < 0));
        ensure!(!negative, "operand {name} is negative, expected 0 or more");
        let n = b.reshape(n, &[])?;
        let n = b.cast(n, DType::I64)?;
        let all = b.range(n)?;
        b.reshape(all, shape)
    };
    let query = positions(b, 1, "query_length", &[-1, 1])?;
    let key = positions(b, 2, "key_length", &[1, -1])?;
    let by = b.plain("Sub", &[key, query])?;
    let chosen = chosen(b, &a, sides, by)?;
    let rows = b.reshape(table, &[1, heads as i64, buckets as i64])?;
    Ok(vec![b.op("Gather", Attrs::new().with("axis", 2i64), &[rows, chosen])?])
}

fn samples() -> Vec<Sample> {
    let s = |two: i64, n: i64| {
        let attrs = Attrs::new().with("is_bidirectional", two).with("max_distance", 20i64);
        let len = || Tensor::i64(&[1], &[n]);
        Sample::new(attrs, vec![sample_floats(&[8, 2], 1), len(), len()])
    };
    vec![s(0, 6), s(1, 6), s(1, 30), s(0, 30)]
}
