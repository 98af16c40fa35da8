//! `com.microsoft.NGramRepeatBlock`: the scores of tokens after which the last n tokens would have been there before
//! become minus infinity. <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given};
use super::common::elementwise::sample_floats;
use super::common::movement::checked;
use super::common::stated::Stated;
use crate::op::{need, shaped};
use crate::{Arity, Attrs, Ctx, DType, Num, Result, Sample, Tensor, Value, attrs, ensure};

attrs!(NGramRepeatBlockAttrs {
    /// Number of tokens that must not repeat.
    ngram_size: i64,
});

/// See the module.
pub static MICROSOFT_NGRAM_REPEAT_BLOCK: Stated = Stated {
    graph: Composite {
        name: "NGramRepeatBlock",
        domain: "com.microsoft",
        schema: NGramRepeatBlockAttrs::SCHEMA,
        operands: Arity::exactly(2),
        results: Arity::exactly(1),
        define,
        samples,
    },
    meaning,
    constant_sizes: &[],
};

fn size(c: &Ctx) -> Result<usize> {
    let n = NGramRepeatBlockAttrs::read(c.attrs)?.ngram_size;
    ensure!((1..=64).contains(&n), "ngram_size is {n}, expected 1 to 64");
    Ok(n as usize)
}

fn meaning(c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let (ids, scores, n) = (need(x, 0, "input_ids")?, need(x, 1, "scores")?, size(c)?);
    let (len, words) = (ids.shape()[1], scores.shape()[1]);
    let mut out = scores.to_f64();
    for (row, ids) in ids.to_i64().chunks(len.max(1)).enumerate() {
        let last = &ids[(len + 1).saturating_sub(n)..];
        for gram in ids.windows(n).filter(|gram| gram[..n - 1] == *last) {
            out[row * words + checked(gram[n - 1], words)?] = f64::NEG_INFINITY;
        }
    }
    Ok(vec![Tensor::new(scores.dtype(), scores.shape(), out.into_iter().map(Num::F))])
}

/// `tokens` at the positions `at`, along the sequence; there is no position before the first.
fn picked(b: &mut Builder, tokens: Value, at: Value) -> Result<Value> {
    let zero = b.ints(&[0]);
    let at = b.plain("Max", &[at, zero])?;
    b.op("Gather", Attrs::new().with("axis", 1i64), &[tokens, at])
}

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let (ids, scores, n) = (given(x, 0, "input_ids")?, given(x, 1, "scores")?, size(c)? as i64);
    let (a, s) = (b.g.fact(ids), b.g.fact(scores));
    ensure!(a.rank() == 2 && a.dtype.is_int(), "input_ids is {a}, expected integers of rank 2");
    ensure!(s.rank() == 2 && s.dtype.is_float(), "scores is {s}, expected floats of rank 2");
    shaped("scores", &s.shape, &[a.shape[0].clone(), s.shape[1].clone()])?;
    let dtype = s.dtype;
    let (len, before) = (b.length(ids, 1)?, b.number(DType::I64, (1 - n) as f64));
    let zero = b.number(DType::I64, 0.0);
    let last = b.plain("Add", &[len, before])?;
    let windows = b.plain("Max", &[last, zero])?;
    let first = b.range(windows)?;
    let at = |b: &mut Builder, from: Value, k: i64| {
        let k = b.ints(&[k]);
        b.plain("Add", &[from, k])
    };
    let (banned, free) = (b.number(dtype, f64::NEG_INFINITY), b.number(dtype, f64::INFINITY));
    let end = at(b, first, n - 1)?;
    let tokens = picked(b, ids, end)?;
    let shape = b.plain("Shape", &[tokens])?;
    let mut bound = b.plain("Expand", &[banned, shape])?;
    for k in 0..n - 1 {
        let (mine, theirs) = (at(b, first, k)?, at(b, last, k)?);
        let (mine, theirs) = (picked(b, ids, mine)?, picked(b, ids, theirs)?);
        let same = b.plain("Equal", &[mine, theirs])?;
        bound = b.plain("Where", &[same, bound, free])?;
    }
    let attrs = Attrs::new().with("axis", 1i64).with("reduction", "min");
    Ok(vec![b.op("ScatterElements", attrs, &[scores, tokens, bound])?])
}

fn samples() -> Vec<Sample> {
    let ids = || Tensor::i64(&[2, 6], &[1, 2, 3, 1, 2, 3, 0, 0, 4, 0, 0, 0]);
    let s = |n: i64| Sample::new(Attrs::new().with("ngram_size", n), vec![ids(), sample_floats(&[2, 5], 1)]);
    vec![s(1), s(2), s(3), s(4), s(6), s(9)]
}
