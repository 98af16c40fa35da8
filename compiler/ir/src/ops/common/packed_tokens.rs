//! Attention over tokens that are packed one after another, without those that fill sequences up.

use super::builder::Builder;
use crate::{Attrs, DType, Result, Value};

/// What packed attentions share.
pub struct Packed {
    /// Offsets of the tokens, first of those that are there: [sequences, tokens].
    pub offsets: Value,
    /// Sums of the numbers of tokens: [sequences + 1].
    pub sums: Value,
    /// What is added to the products.
    pub bias: Option<Value>,
    /// Attributes of `com.microsoft.MultiHeadAttention`.
    pub attrs: Attrs,
}

impl Packed {
    /// Number of tokens of each sequence.
    fn counts(&self, b: &mut Builder) -> Result<Value> {
        let sums = b.cast(self.sums, DType::I64)?;
        let (zero, one, less, end) = (b.ints(&[0]), b.ints(&[1]), b.ints(&[-1]), b.ints(&[i64::MAX]));
        let (from, to) = (b.plain("Slice", &[sums, zero, less, zero])?, b.plain("Slice", &[sums, one, end, zero])?);
        let counts = b.plain("Sub", &[to, from])?;
        b.cast(counts, DType::I32)
    }

    /// Attention of q, k and v, each [tokens, size].
    pub fn attend(&self, b: &mut Builder, qkv: [Value; 3]) -> Result<Value> {
        let counts = self.counts(b)?;
        let mut whole = vec![];
        for v in qkv {
            whole.push(Some(b.plain("com.microsoft.RestorePadding", &[v, self.offsets])?));
        }
        whole.extend([None, Some(counts), self.bias]);
        let y = b.optional("com.microsoft.MultiHeadAttention", self.attrs.clone(), &whole)?;
        let rows = crate::ops::microsoft_remove_padding::join_sequences(b, y)?;
        let at = crate::ops::microsoft_restore_padding::places(b, qkv[0], self.offsets)?;
        b.plain("Gather", &[rows, at])
    }
}

/// Some attributes of `from`.
pub fn only(from: &Attrs, names: &[&'static str]) -> Attrs {
    let given = names.iter().filter_map(|n| from.get(n).map(|v| (*n, v.clone())));
    given.fold(Attrs::new(), |a, (n, v)| a.with(n, v))
}
