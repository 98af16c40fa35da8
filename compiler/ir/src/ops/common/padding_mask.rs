//! Masks of the contrib attentions: which keys are padding, as numbers that are added to the products.

use super::builder::Builder;
use crate::op::shaped;
use crate::{Attrs, DType, Dim, Result, Tensor, Value, bail, ensure};

/// A mask that broadcasts to (batch, heads, queries, keys): 0 where a key is seen, `filter` where not. `mask` has one
/// integer for each image (its number of keys, then perhaps its first key), for each key, or for each query and key;
/// `of` is a value whose first size is the number of images.
pub fn additive(b: &mut Builder, mask: Value, [of, keys]: [Value; 2], filter: f64, dtype: DType) -> Result<Value> {
    check(b, mask, of, keys)?;
    let seen = match b.g.fact(mask).rank() {
        1 => bounded(b, mask, of, keys)?,
        rank @ (2 | 3) => {
            let seen = b.cast(mask, DType::Bool)?;
            let axes = b.ints(if rank == 2 { &[1, 2] } else { &[1] });
            b.plain("Unsqueeze", &[seen, axes])?
        }
        rank => bail!("operand mask has rank {rank}, expected 1 to 3"),
    };
    let (zero, filter) = (b.number(dtype, 0.0), b.number(dtype, filter));
    b.plain("Where", &[seen, zero, filter])
}

/// Refuses a mask whose sizes are not those of the images, the queries `of` and the keys.
fn check(b: &Builder, mask: Value, of: Value, keys: Value) -> Result<()> {
    let (found, queries) = (&b.g.fact(mask).shape, &b.g.fact(of).shape);
    ensure!(queries.len() >= 3, "operand query has rank {}, expected 3 or more", queries.len());
    let known = b.g.fact(keys).as_dims().and_then(|v| v.first().cloned());
    let keys = |own: &Dim| known.clone().unwrap_or_else(|| own.clone());
    match &found[..] {
        [n] => {
            let fits = n.as_const().zip(queries[0].as_const()).is_none_or(|(n, b)| n == b || n == 2 * b);
            ensure!(fits, "operand mask has {n} elements, expected 1 or 2 for each of {} images", queries[0]);
            Ok(())
        }
        [_, last] => shaped("mask", found, &[queries[0].clone(), keys(last)]),
        [_, _, last] => shaped("mask", found, &[queries[0].clone(), queries[queries.len() - 2].clone(), keys(last)]),
        _ => Ok(()),
    }
}

/// Keys before the end of each image, and from its first key on where the mask has twice as many elements as images.
fn bounded(b: &mut Builder, mask: Value, of: Value, keys: Value) -> Result<Value> {
    let (batch, n) = (b.g.fact(of).shape[0].clone(), b.g.fact(mask).shape[0].clone());
    let (images, all) = (b.size(of, 0)?, b.size(mask, 0)?);
    let (bounds, j) = (b.cast(mask, DType::I64)?, b.range(keys)?);
    let (zero, axes) = (b.ints(&[0]), b.ints(&[0]));
    let end = b.plain("Slice", &[bounds, zero, images, axes])?;
    let end = b.reshape(end, &[-1, 1, 1, 1])?;
    let before = b.plain("Less", &[j, end])?;
    if n == batch {
        return Ok(before);
    }
    let twice = b.plain("Add", &[images, images])?;
    let zeros = b.op("ConstantOfShape", Attrs::new().with("value", Tensor::i64(&[1], &[0])), &[images])?;
    let more = b.op("Concat", Attrs::new().with("axis", 0i64), &[bounds, zeros])?;
    let first = b.plain("Slice", &[more, images, twice, axes])?;
    let first = b.reshape(first, &[-1, 1, 1, 1])?;
    let given = b.plain("Equal", &[all, twice])?;
    let (given, start) = (b.reshape(given, &[])?, b.number(DType::I64, 0.0));
    let first = b.plain("Where", &[given, first, start])?;
    let after = b.plain("GreaterOrEqual", &[j, first])?;
    b.plain("And", &[before, after])
}

/// The sum of what is there.
pub fn sum(b: &mut Builder, x: Option<Value>, y: Option<Value>) -> Result<Option<Value>> {
    match (x, y) {
        (Some(x), Some(y)) => b.plain("Add", &[x, y]).map(Some),
        (x, y) => Ok(x.or(y)),
    }
}
