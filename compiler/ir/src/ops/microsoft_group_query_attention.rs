//! `com.microsoft.GroupQueryAttention`: attention of queries to a cache of keys and values that they extend, where
//! several heads of Q share one of K and V. Each image has a length of its own in the cache.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given, optional};
use super::common::elementwise::sample_floats;
use super::common::heads::{Heads, attend, bias_at};
use super::common::stated::Stated;
use crate::op::{maybe, need, shaped};
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Result, Sample, Tensor, Value, attrs, bail, ensure};

attrs!(GroupQueryAttentionAttrs {
    /// Whether a query sees no key after its own position.
    causal: bool = true,
    /// Whether Q and K are turned by their positions.
    do_rotary: bool = false,
    /// Scales of a quantized cache: only `NONE`.
    k_quant_type: String = "NONE".into(),
    /// Bits of a quantized cache; only 0.
    kv_cache_bit_width: i64 = 0,
    /// Heads of K and V.
    kv_num_heads: i64,
    /// Keys a query sees, its own included; -1 is all before it.
    local_window_size: i64 = -1,
    /// Heads of Q.
    num_heads: i64,
    /// Added to the mean square of heads that are normalized.
    qk_norm_epsilon: f32 = 1e-6,
    /// Whether the products are a result; only 0.
    qk_output: i64 = 0,
    /// Whether a pair that is turned is two neighbours, instead of an element of each half.
    rotary_interleaved: bool = false,
    /// Factor of the products; absent or 0 is `1 / sqrt(head size)`.
    scale: f32 = 0.0,
    /// Whether the cache keeps the window only; not supported.
    sliding_window_cache: bool = false,
    /// Whether the softmax has one more logit, 0.
    smooth_softmax: bool = false,
    /// Bound of the products; 0 is none.
    softcap: f32 = 0.0,
    /// Scales of a quantized cache: only `NONE`.
    v_quant_type: String = "NONE".into(),
});

/// See the module.
pub static MICROSOFT_GROUP_QUERY_ATTENTION: Stated = Stated {
    graph: Composite {
        name: "GroupQueryAttention",
        domain: "com.microsoft",
        schema: GroupQueryAttentionAttrs::SCHEMA,
        operands: Arity::range(7, 16),
        results: Arity::range(1, 3),
        define,
        samples,
    },
    meaning,
    constant_sizes: &[COS, SIN],
};

/// Positions of the operands.
const PAST_KEY: usize = 3;
const PAST_VALUE: usize = 4;
const LAST_KEY: usize = 5;
const TOTAL: usize = 6;
const COS: usize = 7;
const SIN: usize = 8;
const POSITIONS: usize = 9;
const BIAS: usize = 10;
const SINK: usize = 11;
const SCALES: usize = 12;
const NORMS: usize = 14;

fn read(c: &Ctx, given: impl Fn(usize) -> bool) -> Result<GroupQueryAttentionAttrs> {
    let a = GroupQueryAttentionAttrs::read(c.attrs)?;
    let (q, kv) = (a.num_heads, a.kv_num_heads);
    ensure!(kv > 0 && q > 0 && q % kv == 0, "num_heads is {q}, expected a multiple of kv_num_heads, {kv}");
    let plain = a.k_quant_type == "NONE" && a.v_quant_type == "NONE" && a.kv_cache_bit_width == 0;
    ensure!(
        plain && !given(SCALES) && !given(SCALES + 1),
        "attributes or operands are of a quantized cache, expected none: it is not supported"
    );
    ensure!(!a.sliding_window_cache, "sliding_window_cache is 1, expected 0");
    ensure!(a.qk_output == 0, "qk_output is {}, expected 0", a.qk_output);
    ensure!(!given(NORMS) && !given(NORMS + 1), "q_norm_weight or k_norm_weight is given, expected none");
    ensure!(
        given(PAST_KEY) == given(PAST_VALUE),
        "one of the operands past_key and past_value is missing, expected both or none"
    );
    ensure!(!a.do_rotary || (given(COS) && given(SIN)), "do_rotary is 1, expected cos_cache and sin_cache");
    ensure!(given(1) == given(2), "one of the operands key and value is missing, expected both or none");
    Ok(a)
}

/// `x` turned by its positions.
fn turned(x: &Heads, cos: &Tensor, sin: &Tensor, interleaved: bool, position: &dyn Fn(usize, usize) -> i64) -> Heads {
    let half = cos.shape()[1];
    let rows = cos.shape()[0] as i64;
    Heads::new([x.batch, x.heads, x.n, x.size], |b, h, i, d| {
        if d >= 2 * half {
            return x.at(b, h, i, d);
        }
        let (j, second) = if interleaved { (d / 2, d % 2 == 1) } else { (d % half, d >= half) };
        let step = if interleaved { 1 } else { half };
        let row = position(b, i).clamp(0, rows - 1) as usize * half + j;
        let (c, s) = (cos.at(row).f(), sin.at(row).f());
        match second {
            true => x.at(b, h, i, d - step) * s + x.at(b, h, i, d) * c,
            false => x.at(b, h, i, d) * c - x.at(b, h, i, d + step) * s,
        }
    })
}

/// The first `old(b)` positions of the past, then the new ones, then zeros up to `n`.
fn extended(past: Option<&Heads>, new: &Heads, n: usize, old: &dyn Fn(usize) -> usize) -> Heads {
    Heads::new([new.batch, new.heads, n, new.size], |b, h, i, d| match (i.checked_sub(old(b)), past) {
        (None, Some(p)) if i < p.n => p.at(b, h, i, d),
        (Some(i), _) if i < new.n => new.at(b, h, i, d),
        _ => 0.0,
    })
}

fn meaning(c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let a = read(c, |i| maybe(x, i).is_some())?;
    let (query, last, total) = (need(x, 0, "query")?, need(x, LAST_KEY, "seqlens_k")?, need(x, TOTAL, "total")?);
    let (heads, kv, dtype) = (a.num_heads as usize, a.kv_num_heads as usize, query.dtype());
    let [q, k, v] = match (maybe(x, 1), maybe(x, 2)) {
        (Some(k), Some(v)) => [(query, heads, 0), (k, kv, 0), (v, kv, 0)].map(|(t, h, from)| {
            let size = t.shape()[2] / h;
            Heads::split(t, h, from, size)
        }),
        _ => {
            let size = query.shape()[2] / (heads + 2 * kv);
            let at = [(heads, 0), (kv, heads * size), (kv, (heads + kv) * size)];
            at.map(|(h, from)| Heads::split(query, h, from, size))
        }
    };
    let total = total.at(0).i() as i64;
    let keys = |b: usize| last.at(b).i() as i64 + 1;
    let first = total == q.n as i64;
    let queries = q.n;
    let old = |b: usize| if first { 0 } else { (keys(b) - queries as i64).max(0) };
    let position = |b: usize, i: usize| match maybe(x, POSITIONS) {
        Some(t) => t.at(b * queries + i).i() as i64,
        None => old(b) + i as i64,
    };
    let rotated = |t: &Heads| -> Result<Heads> {
        let (cos, sin) = (need(x, COS, "cos_cache")?, need(x, SIN, "sin_cache")?);
        Ok(turned(t, cos, sin, a.rotary_interleaved, &position))
    };
    let (q, k) = if a.do_rotary { (rotated(&q)?, rotated(&k)?) } else { (q, k) };
    let past = |i: usize| maybe(x, i).map(Heads::of);
    let n = past(PAST_KEY).map_or(0, |p| p.n).max(total.max(0) as usize);
    let grown = |i: usize, t: &Heads| extended(past(i).as_ref(), t, n, &|b| old(b) as usize);
    let (k, v) = (grown(PAST_KEY, &k), grown(PAST_VALUE, &v));
    let cap = f64::from(a.softcap);
    let logit = |at: [usize; 4], product: f64| {
        let (p, j) = (old(at[0]) + at[2] as i64, at[3] as i64);
        let window = a.local_window_size < 0 || j > p - a.local_window_size;
        if j >= keys(at[0]) || (a.causal && j > p) || !window || j >= total {
            return f64::NEG_INFINITY;
        }
        let product = if cap > 0.0 { cap * (product / cap).tanh() } else { product };
        product + bias_at(maybe(x, BIAS), at)
    };
    let sink = |h: usize| match maybe(x, SINK) {
        Some(t) => t.at(h).f(),
        None if a.smooth_softmax => 0.0,
        None => f64::NEG_INFINITY,
    };
    let [y, _] = attend([&q, &k, &v], a.scale.into(), &logit, &sink, dtype);
    Ok(vec![y, k.tensor(dtype), v.tensor(dtype)])
}

/// What the parts of the graph share.
struct Sizes {
    /// Images, as a vector of one.
    batch: Value,
    /// Queries.
    queries: Value,
    /// Keys of the cache that count, over all images; the length of the longest.
    total: Value,
    /// The length of the cache that results.
    length: Value,
    /// Past keys of each image: (batch, 1).
    old: Value,
    /// Keys of each image, the new ones included: (batch, 1).
    keys: Value,
}

/// Refuses a bias, positions or sinks whose sizes are not those of the queries.
fn check_rest(b: &Builder, a: &GroupQueryAttentionAttrs, x: &[Option<Value>]) -> Result<()> {
    let fact = |i: usize| optional(x, i).map(|v| b.g.fact(v));
    let query = b.g.fact(given(x, 0, "query")?);
    ensure!(query.rank() == 3, "operand query is {query}, expected rank 3");
    let total = fact(TOTAL).and_then(Fact::as_dims).and_then(|v| v.first().cloned());
    if let Some(f) = fact(BIAS) {
        ensure!(f.rank() == 4, "operand attention_bias is {f}, expected rank 4");
        let one_or = |i: usize, d: Dim| if f.shape[i].is_one() { 1.into() } else { d };
        let (batch, heads) = (one_or(0, query.shape[0].clone()), one_or(1, a.num_heads.into()));
        let keys = total.unwrap_or_else(|| f.shape[3].clone());
        shaped("attention_bias", &f.shape, &[batch, heads, query.shape[1].clone(), keys])?;
    }
    if let Some(f) = fact(POSITIONS) {
        ensure!(f.dtype.is_int(), "operand position_ids is {f}, expected integers");
        shaped("position_ids", &f.shape, &query.shape[..2])?;
    }
    fact(SINK).map_or(Ok(()), |f| shaped("head_sink", &f.shape, &[a.num_heads.into()]))
}

fn sizes(b: &mut Builder, x: &[Option<Value>]) -> Result<Sizes> {
    let query = given(x, 0, "query")?;
    let (batch, queries) = (b.size(query, 0)?, b.length(query, 1)?);
    let total = b.cast(given(x, TOTAL, "total_sequence_length")?, DType::I64)?;
    let total = b.reshape(total, &[])?;
    let length = match optional(x, PAST_KEY) {
        Some(p) => {
            let past = b.length(p, 2)?;
            b.plain("Max", &[past, total])?
        }
        None => total,
    };
    let (zero, one) = (b.number(DType::I64, 0.0), b.number(DType::I64, 1.0));
    let last = b.cast(given(x, LAST_KEY, "seqlens_k")?, DType::I64)?;
    let last = b.reshape(last, &[-1, 1])?;
    let keys = b.plain("Add", &[last, one])?;
    let rest = b.plain("Sub", &[keys, queries])?;
    let rest = b.plain("Max", &[rest, zero])?;
    let first = b.plain("Equal", &[total, queries])?;
    let old = b.plain("Where", &[first, zero, rest])?;
    Ok(Sizes { batch, queries, total, length, old, keys })
}

/// Q, K and V of shape (batch, sequence, hidden).
fn projected(b: &mut Builder, a: &GroupQueryAttentionAttrs, x: &[Option<Value>]) -> Result<[Value; 3]> {
    let q = given(x, 0, "query")?;
    ensure!(b.g.fact(q).rank() == 3, "operand query is {}, expected rank 3", b.g.fact(q));
    if let (Some(k), Some(v)) = (optional(x, 1), optional(x, 2)) {
        ensure!(
            b.g.fact(k).rank() == 3 && b.g.fact(v).rank() == 3,
            "operands key and value are {} and {}, expected rank 3",
            b.g.fact(k),
            b.g.fact(v)
        );
        return Ok([q, k, v]);
    }
    let all = b.reshape(q, &[0, 0, a.num_heads + 2 * a.kv_num_heads, -1])?;
    let sizes = b.ints(&[a.num_heads, a.kv_num_heads, a.kv_num_heads]);
    let parts = b.results("Split", Attrs::new().with("axis", 2i64), &[Some(all), Some(sizes)], 3)?;
    Ok([b.reshape(parts[0], &[0, 0, -1])?, b.reshape(parts[1], &[0, 0, -1])?, b.reshape(parts[2], &[0, 0, -1])?])
}

/// `v` turned by its positions.
fn rotate(
    b: &mut Builder,
    a: &GroupQueryAttentionAttrs,
    x: &[Option<Value>],
    s: &Sizes,
    v: [Value; 2],
) -> Result<[Value; 2]> {
    let (cos, sin) = (given(x, COS, "cos_cache")?, given(x, SIN, "sin_cache")?);
    let positions = match optional(x, POSITIONS) {
        Some(p) => b.cast(p, DType::I64)?,
        None => {
            let i = b.range(s.queries)?;
            b.plain("Add", &[s.old, i])?
        }
    };
    let Some(half) = b.g.fact(cos).shape.get(1).and_then(|d| d.as_const()) else {
        bail!("operand cos_cache is {}, expected a constant number of columns", b.g.fact(cos));
    };
    let mut turn = |v: Value, heads: i64| {
        let attrs = Attrs::new().with("interleaved", i64::from(a.rotary_interleaved)).with("num_heads", heads);
        b.op("com.microsoft.RotaryEmbedding", attrs.with("rotary_embedding_dim", 2 * half), &[v, positions, cos, sin])
    };
    Ok([turn(v[0], a.num_heads)?, turn(v[1], a.kv_num_heads)?])
}

/// The cache with the new keys or values after the past ones of each image: (batch, heads, length, size).
fn extend(b: &mut Builder, s: &Sizes, past: Option<Value>, new: Value, heads: i64) -> Result<Value> {
    let new = b.reshape(new, &[0, 0, heads, -1])?;
    let (mut all, mut from) = (new, b.number(DType::I64, 0.0));
    if let Some(p) = past {
        from = b.length(p, 2)?;
        let p = b.transpose(p, &[0, 2, 1, 3])?;
        all = b.op("Concat", Attrs::new().with("axis", 1i64), &[p, new])?;
    }
    let (zero, one) = (b.number(DType::I64, 0.0), b.number(DType::I64, 1.0));
    let j = b.range(s.length)?;
    let ahead = b.plain("Sub", &[j, s.old])?;
    let last = b.plain("Sub", &[s.queries, one])?;
    let fresh = b.plain("Min", &[ahead, last])?;
    let fresh = b.plain("Add", &[fresh, from])?;
    let is_past = b.plain("Less", &[ahead, zero])?;
    let index = b.plain("Where", &[is_past, j, fresh])?;
    let axes = b.ints(&[2]);
    let index = b.plain("Unsqueeze", &[index, axes])?;
    let v = b.op("GatherND", Attrs::new().with("batch_dims", 1i64), &[all, index])?;
    let v = b.transpose(v, &[0, 2, 1, 3])?;
    let filled = b.plain("Less", &[ahead, s.queries])?;
    let filled = {
        let axes = b.ints(&[1, 3]);
        b.plain("Unsqueeze", &[filled, axes])?
    };
    let nothing = b.number(b.g.fact(v).dtype, 0.0);
    b.plain("Where", &[filled, v, nothing])
}

/// Which keys each query sees: (batch, 1, queries, length).
fn visible(b: &mut Builder, a: &GroupQueryAttentionAttrs, s: &Sizes) -> Result<Value> {
    let j = b.range(s.length)?;
    let four = |b: &mut Builder, v: Value| b.reshape(v, &[-1, 1, 1, 1]);
    let (old, keys) = (four(b, s.old)?, four(b, s.keys)?);
    let keys = b.plain("Min", &[keys, s.total])?;
    let mut seen = b.plain("Less", &[j, keys])?;
    let i = b.range(s.queries)?;
    let i = b.reshape(i, &[-1, 1])?;
    let p = b.plain("Add", &[old, i])?;
    if a.causal {
        let before = b.plain("LessOrEqual", &[j, p])?;
        seen = b.plain("And", &[seen, before])?;
    }
    if a.local_window_size >= 0 {
        let window = b.number(DType::I64, a.local_window_size as f64);
        let first = b.plain("Sub", &[p, window])?;
        let inside = b.plain("Greater", &[j, first])?;
        seen = b.plain("And", &[seen, inside])?;
    }
    Ok(seen)
}

/// `v` with `n` more elements of the value `fill` at the end of `axis`.
fn padded(b: &mut Builder, v: Value, axis: usize, n: Value, fill: f64) -> Result<Value> {
    let (rank, dtype) = (b.g.fact(v).rank(), b.g.fact(v).dtype);
    let n = b.reshape(n, &[1])?;
    let (before, after) = (b.ints(&vec![0; rank + axis]), b.ints(&vec![0; rank - 1 - axis]));
    let pads = b.op("Concat", Attrs::new().with("axis", 0i64), &[before, n, after])?;
    let fill = b.number(dtype, fill);
    b.plain("Pad", &[v, pads, fill])
}

/// The bias where a key is seen, and minus infinity elsewhere.
fn masked(b: &mut Builder, bias: Option<Value>, seen: Value, s: &Sizes, dtype: DType) -> Result<Value> {
    let bias = match bias {
        Some(v) => {
            let axis = b.g.fact(v).rank() - 1;
            let have = b.length(v, axis as i64)?;
            let more = b.plain("Sub", &[s.length, have])?;
            padded(b, v, axis, more, 0.0)?
        }
        None => b.number(dtype, 0.0),
    };
    let never = b.number(dtype, f64::NEG_INFINITY);
    b.plain("Where", &[seen, bias, never])
}

/// One more key that is nothing but its logit: K, V and the mask with it.
fn with_sink(b: &mut Builder, [k, v, mask]: [Value; 3], sink: Value, s: &Sizes) -> Result<[Value; 3]> {
    let one = b.ints(&[1]);
    let (k, v) = (padded(b, k, 2, one, 0.0)?, padded(b, v, 2, one, 0.0)?);
    let sink = b.reshape(sink, &[1, -1, 1, 1])?;
    let heads = b.size(sink, 1)?;
    let queries = b.reshape(s.queries, &[1])?;
    let axis = |n: i64| Attrs::new().with("axis", n);
    let column = b.op("Concat", axis(0), &[s.batch, heads, queries, one])?;
    let column = b.plain("Expand", &[sink, column])?;
    let length = b.reshape(s.length, &[1])?;
    let wide = b.op("Concat", axis(0), &[s.batch, heads, queries, length])?;
    let mask = b.plain("Expand", &[mask, wide])?;
    Ok([k, v, b.op("Concat", axis(3), &[mask, column])?])
}

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = read(c, |i| optional(x, i).is_some())?;
    check_rest(b, &a, x)?;
    let [mut q, mut k, v] = projected(b, &a, x)?;
    let s = sizes(b, x)?;
    if a.do_rotary {
        [q, k] = rotate(b, &a, x, &s, [q, k])?;
    }
    let dtype = b.g.fact(q).dtype;
    let present_key = extend(b, &s, optional(x, PAST_KEY), k, a.kv_num_heads)?;
    let present_value = extend(b, &s, optional(x, PAST_VALUE), v, a.kv_num_heads)?;
    let q = b.reshape(q, &[0, 0, a.num_heads, -1])?;
    let q = b.transpose(q, &[0, 2, 1, 3])?;
    let seen = visible(b, &a, &s)?;
    let mask = masked(b, optional(x, BIAS), seen, &s, dtype)?;
    let smooth = a.smooth_softmax.then(|| {
        b.g.add_const("smooth", Tensor::f32(&[a.num_heads as usize], &vec![0.0; a.num_heads as usize]).cast(dtype))
    });
    let [k, v, mask] = match optional(x, SINK).or(smooth) {
        Some(sink) => with_sink(b, [present_key, present_value, mask], sink, &s)?,
        None => [present_key, present_value, mask],
    };
    let mut attrs = Attrs::new().with("softcap", a.softcap);
    if a.scale != 0.0 {
        attrs.set("scale", a.scale);
    }
    let y = b.op("Attention", attrs, &[q, k, v, mask])?;
    let y = b.transpose(y, &[0, 2, 1, 3])?;
    Ok(vec![b.reshape(y, &[0, 0, -1])?, present_key, present_value])
}

fn samples() -> Vec<Sample> {
    let f = |shape: &[usize], seed: u32| Some(sample_floats(shape, seed));
    let ints = |v: &[f64]| Some(Tensor::floats(DType::I32, &[v.len()], v));
    let heads = || Attrs::new().with("num_heads", 4i64).with("kv_num_heads", 2i64);
    let plain = heads().with("k_quant_type", "NONE").with("v_quant_type", "NONE").with("kv_cache_bit_width", 0i64);
    let plain = plain.with("sliding_window_cache", 0i64).with("qk_output", 0i64).with("qk_norm_epsilon", 1e-6f32);
    let s = |attrs: Attrs, x: Vec<Option<Tensor>>| Sample { attrs, x, outputs: 3 };
    let prompt =
        || vec![f(&[2, 3, 16], 1), f(&[2, 3, 8], 2), f(&[2, 3, 8], 3), None, None, ints(&[2.0, 2.0]), ints(&[3.0])];
    let step = |old: usize, last: &[f64], total: f64| {
        let past = |seed| f(&[2, 2, old, 4], seed);
        vec![f(&[2, 1, 16], 1), f(&[2, 1, 8], 2), f(&[2, 1, 8], 3), past(4), past(5), ints(last), ints(&[total])]
    };
    let with = |mut x: Vec<Option<Tensor>>, more: Vec<Option<Tensor>>| {
        x.extend(more);
        x
    };
    let caches = |columns: usize| vec![f(&[8, columns], 6), f(&[8, columns], 7)];
    let positions = Some(Tensor::i64(&[2, 3], &[1, 2, 3, 0, 4, 5]));
    let turned = || heads().with("do_rotary", 1i64);
    let packed = vec![f(&[2, 3, 32], 1), None, None, None, None, ints(&[2.0, 2.0]), ints(&[3.0])];
    let few = vec![f(&[1, 3, 16], 1), f(&[1, 3, 8], 2), f(&[1, 3, 8], 3), f(&[1, 2, 2, 4], 4), f(&[1, 2, 2, 4], 5)];
    let few = with(few, vec![ints(&[4.0]), ints(&[5.0])]);
    vec![
        s(plain, prompt()),
        s(heads().with("scale", 0.3f32).with("softcap", 2.0f32), step(4, &[2.0, 4.0], 5.0)),
        s(turned(), with(step(6, &[5.0, 3.0], 6.0), caches(2))),
        s(turned().with("rotary_interleaved", 1i64), with(packed, caches(2))),
        s(turned(), with(with(prompt(), caches(1)), vec![positions])),
        s(heads().with("local_window_size", 2i64), few.clone()),
        s(heads().with("smooth_softmax", 1i64), with(few, vec![None, None, None, f(&[1, 1, 3, 5], 8)])),
        s(heads().with("causal", 0i64), with(prompt(), vec![None, None, None, None, f(&[4], 9)])),
    ]
}
