//! Masks of the contrib attentions: which keys are padding, as numbers that are added to the products.

use super::builder::Builder;
use crate::{DType, Result, Value, bail};

/// A mask that broadcasts to (batch, heads, queries, keys): 0 where a key is seen, `filter` where not. `mask` has one
/// integer for each image (its number of keys), for each key, or for each query and key.
pub fn additive(b: &mut Builder, mask: Value, keys: Value, filter: f64, dtype: DType) -> Result<Value> {
    let seen = match b.g.fact(mask).rank() {
        1 => {
            let n = b.cast(mask, DType::I64)?;
            let n = b.reshape(n, &[-1, 1, 1, 1])?;
            let j = b.range(keys)?;
            b.plain("Less", &[j, n])?
        }
        rank @ (2 | 3) => {
            let seen = b.cast(mask, DType::Bool)?;
            let axes = b.ints(if rank == 2 { &[1, 2] } else { &[1] });
            b.plain("Unsqueeze", &[seen, axes])?
        }
        rank => bail!("the mask has rank {rank}, expected 1 to 3"),
    };
    let (zero, filter) = (b.number(dtype, 0.0), b.number(dtype, filter));
    b.plain("Where", &[seen, zero, filter])
}

/// The sum of what is there.
pub fn sum(b: &mut Builder, x: Option<Value>, y: Option<Value>) -> Result<Option<Value>> {
    match (x, y) {
        (Some(x), Some(y)) => b.plain("Add", &[x, y]).map(Some),
        (x, y) => Ok(x.or(y)),
    }
}
