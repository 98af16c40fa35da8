//! `com.microsoft.MultiHeadAttention`: `softmax(scale * Q K^T + masks) V`, head by head, operands packed in several ways.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given, optional};
use super::common::elementwise::sample_floats;
use super::common::heads::{Heads, attend, bias_at, no_sink, shown};
use super::common::padding_mask::{additive, sum};
use super::common::stated::Stated;
use super::microsoft_attention::causal;
use crate::op::{maybe, need, shaped};
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value, attrs, bail, ensure};

attrs!(MultiHeadAttentionAttrs {
    /// What is added to the products with keys that are padding.
    mask_filter_value: f32 = -10000.0,
    /// Number of heads.
    num_heads: i64,
    /// Factor of the products; absent or 0 is `1 / sqrt(head size)`.
    scale: f32 = 0.0,
    /// Whether a query sees no key after its own position.
    unidirectional: bool = false,
});

/// See the module.
pub static MICROSOFT_MULTI_HEAD_ATTENTION: Stated = Stated {
    graph: Composite {
        name: "MultiHeadAttention",
        domain: "com.microsoft",
        schema: MultiHeadAttentionAttrs::SCHEMA,
        operands: Arity::range(1, 10),
        results: Arity::range(1, 4),
        define,
        samples,
    },
    meaning,
    constant_sizes: &[],
};

/// Q, K and V before the bias, from whichever way they are packed.
fn apart(x: &[Option<&Tensor>], heads: usize) -> Result<[Heads; 3]> {
    let packed = |t: &Tensor, part: usize| {
        let s = t.shape().to_vec();
        let at = |b, h, i, d| t.at((((b * s[1] + i) * s[2] + h) * s[3] + part) * s[4] + d).f();
        Heads::new([s[0], s[2], s[1], s[4]], at)
    };
    let plain = |t: &Tensor| match t.rank() {
        4 => Heads::of(t),
        _ => Heads::split(t, heads, 0, t.shape()[2] / heads),
    };
    let q = need(x, 0, "query")?;
    Ok(match (maybe(x, 1), maybe(x, 2)) {
        (Some(k), Some(v)) => [plain(q), plain(k), plain(v)],
        (Some(kv), None) => [plain(q), packed(kv, 0), packed(kv, 1)],
        _ => [packed(q, 0), packed(q, 1), packed(q, 2)],
    })
}

fn meaning(c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let a = MultiHeadAttentionAttrs::read(c.attrs)?;
    let (heads, dtype) = (a.num_heads.max(1) as usize, need(x, 0, "query")?.dtype());
    let [q, k, v] = apart(x, heads)?;
    // Keys and values that come with heads are those of a cache: they have their bias.
    let own = maybe(x, 3).filter(|_| maybe(x, 1).is_none_or(|k| k.rank() != 4));
    let (hidden, all) = (heads * q.size, heads * (q.size + k.size));
    let past = |i: usize| maybe(x, i).map(Heads::of);
    let q = q.biased(maybe(x, 3), 0);
    let k = k.biased(own, hidden).after(past(6).as_ref());
    let v = v.biased(own, all).after(past(7).as_ref());
    let old = past(6).map_or(0, |p| p.n);
    let logit = |at: [usize; 4], product: f64| {
        let [b, _, i, j] = at;
        let filter = if shown(maybe(x, 4), q.batch, [b, i, j]) { 0.0 } else { a.mask_filter_value.into() };
        let seen = causal(a.unidirectional, old, i, j);
        if seen { product + bias_at(maybe(x, 5), at) + filter } else { f64::NEG_INFINITY }
    };
    let [y, p] = attend([&q, &k, &v], a.scale.into(), &logit, &no_sink, dtype);
    Ok(vec![y, k.tensor(dtype), v.tensor(dtype), p])
}

/// Part `i` of axis 3 of (batch, sequence, heads, parts, size), as (batch, sequence, hidden).
fn part(b: &mut Builder, packed: Value, i: i64) -> Result<Value> {
    let at = b.number(DType::I64, i as f64);
    let v = b.op("Gather", Attrs::new().with("axis", 3i64), &[packed, at])?;
    b.reshape(v, &[0, 0, -1])
}

fn unpacked(b: &mut Builder, x: &[Option<Value>]) -> Result<[Value; 3]> {
    let q = given(x, 0, "query")?;
    let rank = b.g.fact(q).rank();
    ensure!((3..=5).contains(&rank), "operand query is {}, expected rank 3 to 5", b.g.fact(q));
    if let (Some(k), Some(v)) = (optional(x, 1).map(|k| b.g.fact(k)), optional(x, 2).map(|v| b.g.fact(v))) {
        ensure!(
            k.rank() == v.rank() && k.rank() >= 3,
            "operands key and value are {k} and {v}, expected one rank, 3 or 4"
        );
        let last = k.rank() - 1;
        shaped("value, but for its last axis,", &v.shape[..last], &k.shape[..last])?;
    }
    match (optional(x, 1), optional(x, 2)) {
        (Some(k), Some(v)) => Ok([q, k, v]),
        (Some(kv), None) if b.g.fact(kv).rank() == 5 => Ok([q, part(b, kv, 0)?, part(b, kv, 1)?]),
        (None, None) if b.g.fact(q).rank() == 5 => Ok([part(b, q, 0)?, part(b, q, 1)?, part(b, q, 2)?]),
        _ => bail!("operand query is {}, expected query, key and value apart, or packed with five axes", b.g.fact(q)),
    }
}

/// Adds the bias, one for all, to Q, K and V; keys and values of a cache have theirs.
pub(super) fn biased(b: &mut Builder, [q, k, v]: [Value; 3], bias: Option<Value>, heads: i64) -> Result<[Value; 3]> {
    let Some(bias) = bias else { return Ok([q, k, v]) };
    ensure!(b.g.fact(q).rank() == 3, "bias is given, expected a query of rank 3");
    let cached = b.g.fact(k).rank() == 4;
    let hidden = |b: &mut Builder, v: Value| match cached {
        true => {
            let (size, heads) = (b.size(v, 3)?, b.ints(&[heads]));
            b.plain("Mul", &[size, heads])
        }
        false => b.size(v, 2),
    };
    let sizes = [b.size(q, 2)?, hidden(b, k)?, hidden(b, v)?];
    let sizes = b.op("Concat", Attrs::new().with("axis", 0i64), &sizes)?;
    let parts = b.results("Split", Attrs::new(), &[Some(bias), Some(sizes)], 3)?;
    let q = b.plain("Add", &[q, parts[0]])?;
    if cached {
        return Ok([q, k, v]);
    }
    Ok([q, b.plain("Add", &[k, parts[1]])?, b.plain("Add", &[v, parts[2]])?])
}

/// Elements with four axes (batch, heads, sequence, size) as three.
fn flat(b: &mut Builder, v: Value) -> Result<Value> {
    let v = b.transpose(v, &[0, 2, 1, 3])?;
    b.reshape(v, &[0, 0, -1])
}

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = MultiHeadAttentionAttrs::read(c.attrs)?;
    ensure!(
        optional(x, 8).is_none() && optional(x, 9).is_none(),
        "operands past_sequence_length or cache_indirection are given, expected none: shared buffers are not supported"
    );
    let apart = unpacked(b, x)?;
    let [q, mut k, mut v] = biased(b, apart, optional(x, 3), a.num_heads)?;
    if b.g.fact(k).rank() == 4 && b.g.fact(q).rank() == 3 {
        (k, v) = (flat(b, k)?, flat(b, v)?);
    }
    let (past, dtype) = (optional(x, 6), b.g.fact(q).dtype);
    let mut keys = b.length(k, b.g.fact(k).rank() as i64 - 2)?;
    if let Some(p) = past {
        let old = b.length(p, 2)?;
        keys = b.plain("Add", &[keys, old])?;
    }
    let filter = f64::from(a.mask_filter_value);
    let mask = optional(x, 4).map(|m| additive(b, m, [q, keys], filter, dtype)).transpose()?;
    let mask = sum(b, mask, optional(x, 5))?;
    let mut attrs = Attrs::new().with("q_num_heads", a.num_heads).with("kv_num_heads", a.num_heads);
    attrs.set("is_causal", a.unidirectional);
    attrs.set("qk_matmul_output_mode", 3i64);
    if a.scale != 0.0 {
        attrs.set("scale", a.scale);
    }
    b.results("Attention", attrs, &[Some(q), Some(k), Some(v), mask, past, optional(x, 7)], c.outputs)
}

fn samples() -> Vec<Sample> {
    let f = |shape: &[usize], seed: u32| Some(sample_floats(shape, seed));
    let heads = || Attrs::new().with("num_heads", 2i64);
    let s = |attrs: Attrs, x: Vec<Option<Tensor>>, outputs: usize| Sample { attrs, x, outputs };
    let ints = |shape: &[usize], v: &[f64]| Some(Tensor::floats(DType::I32, shape, v));
    let padding = ints(&[2, 5], &[1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0]);
    let three = || vec![f(&[2, 3, 8], 1), f(&[2, 5, 8], 2), f(&[2, 5, 6], 3)];
    let with = |more: Vec<Option<Tensor>>| three().into_iter().chain(more).collect::<Vec<_>>();
    let past = vec![None, None, None, f(&[2, 2, 4, 4], 5), f(&[2, 2, 4, 3], 6)];
    let scaled = heads().with("scale", 0.3f32).with("mask_filter_value", -1000.0f32);
    vec![
        s(heads(), three(), 1),
        s(scaled, with(vec![f(&[22], 4), padding, f(&[1, 2, 3, 5], 7)]), 1),
        s(heads(), with(vec![None, ints(&[2], &[3.0, 5.0])]), 1),
        s(heads().with("unidirectional", 1i64), with(past), 3),
        s(heads(), vec![f(&[2, 3, 2, 3, 4], 1)], 1),
        s(heads(), vec![f(&[2, 3, 8], 1), f(&[2, 5, 2, 2, 4], 2)], 1),
        s(heads(), vec![f(&[2, 3, 8], 1), f(&[2, 2, 5, 4], 2), f(&[2, 2, 5, 4], 3), f(&[24], 4)], 1),
        s(heads(), with(vec![None, ints(&[4], &[5.0, 4.0, 1.0, 0.0])]), 4),
    ]
}
