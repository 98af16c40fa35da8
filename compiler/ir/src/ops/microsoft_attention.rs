//! `com.microsoft.Attention`: Q, K and V by one product of the input, then attention, head by head.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given, optional};
use super::common::elementwise::sample_floats;
use super::common::heads::{Heads, attend, bias_at, no_sink, shown};
use super::common::padding_mask::{additive, sum};
use super::common::stated::Stated;
use crate::op::{maybe, need, shaped};
use crate::{Arity, Attrs, Ctx, DType, Num, Result, Sample, Tensor, Value, attrs, ensure};

attrs!(MicrosoftAttentionAttrs {
    /// Whether Q and K are turned by their positions; not supported.
    do_rotary: bool = false,
    /// What is added to the products with keys that are padding.
    mask_filter_value: f32 = -10000.0,
    /// Number of heads.
    num_heads: i64,
    /// Whether past and present are one buffer; not supported.
    past_present_share_buffer: bool = false,
    /// Elements of Q, K and V; empty is a third each.
    qkv_hidden_sizes: Vec<i64> = vec![],
    /// Elements of a head that are turned.
    rotary_embedding_dim: i64 = 0,
    /// Factor of the products; absent or 0 is `1 / sqrt(head size)`.
    scale: f32 = 0.0,
    /// Whether a query sees no key after its own position.
    unidirectional: bool = false,
});

/// See the module.
pub static MICROSOFT_ATTENTION: Stated = Stated {
    graph: Composite {
        name: "Attention",
        domain: "com.microsoft",
        schema: MicrosoftAttentionAttrs::SCHEMA,
        operands: Arity::range(2, 7),
        results: Arity::range(1, 2),
        define,
        samples,
    },
    meaning,
    constant_sizes: &[],
};

/// Whether query `i` of several that follow `past` keys sees key `j`.
pub(super) fn causal(unidirectional: bool, past: usize, i: usize, j: usize) -> bool {
    !unidirectional || j <= past + i
}

fn meaning(c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let a = MicrosoftAttentionAttrs::read(c.attrs)?;
    let (input, weights) = (need(x, 0, "input")?, need(x, 1, "weights")?);
    let (inner, all) = (weights.shape()[0], weights.shape()[1]);
    let term = |row: usize, j: usize, p: usize| input.at(row * inner + p).f() * weights.at(p * all + j).f();
    let sum = |row: usize, j: usize| (0..inner).map(|p| term(row, j, p)).sum::<f64>();
    let bias = |j: usize| maybe(x, 2).map_or(0.0, |t| t.at(j).f());
    let element = |i: usize| Num::F(sum(i / all.max(1), i % all.max(1)) + bias(i % all.max(1)));
    let shape = [input.shape()[0], input.shape()[1], all];
    let product = Tensor::new(input.dtype(), &shape, (0..shape.iter().product()).map(element));
    eval_projected(&a, &product, [maybe(x, 3), maybe(x, 4), maybe(x, 5)])
}

/// Meaning of all that follows the product; the others are mask, past and bias.
pub(super) fn eval_projected(
    a: &MicrosoftAttentionAttrs,
    product: &Tensor,
    [mask, past, bias]: [Option<&Tensor>; 3],
) -> Result<Vec<Tensor>> {
    let (heads, third) = (a.num_heads.max(1) as usize, product.shape()[2] as i64 / 3);
    let sizes = if a.qkv_hidden_sizes.len() == 3 { a.qkv_hidden_sizes.clone() } else { vec![third; 3] };
    let from = [0, sizes[0], sizes[0] + sizes[1]];
    let half = |i: usize| {
        past.map(|p| {
            let s = &p.shape()[1..];
            let n: usize = s.iter().product();
            Heads::new([s[0], s[1], s[2], s[3]], |b, h, j, d| p.at(i * n + ((b * s[1] + h) * s[2] + j) * s[3] + d).f())
        })
    };
    let part = |i: usize| Heads::split(product, heads, from[i] as usize, sizes[i] as usize / heads);
    let (q, k, v) = (part(0), part(1).after(half(0).as_ref()), part(2).after(half(1).as_ref()));
    let old = k.n - q.n;
    let logit = |[b, h, i, j]: [usize; 4], product: f64| match causal(a.unidirectional, old, i, j) {
        true if shown(mask, q.batch, [b, i, j]) => product + bias_at(bias, [b, h, i, j]),
        true => product + bias_at(bias, [b, h, i, j]) + f64::from(a.mask_filter_value),
        false => f64::NEG_INFINITY,
    };
    let dtype = product.dtype();
    let [y, _] = attend([&q, &k, &v], a.scale.into(), &logit, &no_sink, dtype);
    let mut out = vec![y];
    if k.size == v.size {
        let both = k.v.iter().chain(&v.v).map(|v| Num::F(*v));
        out.push(Tensor::new(dtype, &[2, k.batch, k.heads, k.n, k.size], both));
    }
    Ok(out)
}

/// Refuses an input of another rank than 3, weights that are no matrix, and a bias that is not of its columns.
pub(super) fn matrix(b: &Builder, input: Value, weights: Value, bias: Option<Value>) -> Result<()> {
    let (x, w) = (b.g.fact(input), b.g.fact(weights));
    ensure!(x.rank() == 3 && w.rank() == 2, "operands input and weights are {x} and {w}, expected ranks 3 and 2");
    bias.map_or(Ok(()), |bias| shaped("bias", &b.g.fact(bias).shape, &w.shape[1..]))
}

/// Q, K and V: parts of the last axis of the product.
fn projected(b: &mut Builder, a: &MicrosoftAttentionAttrs, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let (input, weights) = (given(x, 0, "input")?, given(x, 1, "weights")?);
    matrix(b, input, weights, optional(x, 2))?;
    let mut v = b.plain("MatMul", &[input, weights])?;
    if let Some(bias) = optional(x, 2) {
        v = b.plain("Add", &[v, bias])?;
    }
    split(b, a, v)
}

/// The parts of the last axis of the product.
pub(super) fn split(b: &mut Builder, a: &MicrosoftAttentionAttrs, v: Value) -> Result<Vec<Value>> {
    let last = Attrs::new().with("axis", 2i64);
    match a.qkv_hidden_sizes.is_empty() {
        true => b.results("Split", last.with("num_outputs", 3i64), &[Some(v)], 3),
        false => {
            let sizes = b.ints(&a.qkv_hidden_sizes);
            b.results("Split", last, &[Some(v), Some(sizes)], 3)
        }
    }
}

fn half(b: &mut Builder, past: Option<Value>, i: i64) -> Result<Option<Value>> {
    let at = b.number(DType::I64, i as f64);
    past.map(|p| b.op("Gather", Attrs::new().with("axis", 0i64), &[p, at])).transpose()
}

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = MicrosoftAttentionAttrs::read(c.attrs)?;
    ensure!(
        !a.do_rotary && !a.past_present_share_buffer,
        "attributes do_rotary and past_present_share_buffer are {} and {}, expected 0: they are not supported",
        a.do_rotary as i64,
        a.past_present_share_buffer as i64
    );
    let qkv = projected(b, &a, x)?;
    attended(b, c, &a, &qkv, [optional(x, 3), optional(x, 4), optional(x, 5)])
}

/// Attention over Q, K and V; the others are mask, past and bias.
pub(super) fn attended(
    b: &mut Builder,
    c: &Ctx,
    a: &MicrosoftAttentionAttrs,
    qkv: &[Value],
    [mask, past, bias]: [Option<Value>; 3],
) -> Result<Vec<Value>> {
    let dtype = b.g.fact(qkv[0]).dtype;
    let mut keys = b.length(qkv[1], 1)?;
    if let Some(p) = past {
        let old = b.length(p, 3)?;
        keys = b.plain("Add", &[keys, old])?;
    }
    let filter = f64::from(a.mask_filter_value);
    let mask = mask.map(|m| additive(b, m, [qkv[0], keys], filter, dtype)).transpose()?;
    let mask = sum(b, mask, bias)?;
    let mut attrs = Attrs::new().with("q_num_heads", a.num_heads).with("kv_num_heads", a.num_heads);
    attrs.set("is_causal", a.unidirectional);
    if a.scale != 0.0 {
        attrs.set("scale", a.scale);
    }
    let [old_keys, old_values] = [half(b, past, 0)?, half(b, past, 1)?];
    let operands = [Some(qkv[0]), Some(qkv[1]), Some(qkv[2]), mask, old_keys, old_values];
    let y = b.results("Attention", attrs, &operands, 3)?;
    let first = b.ints(&[0]);
    let (k, v) = (b.plain("Unsqueeze", &[y[1], first])?, b.plain("Unsqueeze", &[y[2], first])?);
    match c.outputs {
        1 => Ok(vec![y[0]]),
        _ => Ok(vec![y[0], b.op("Concat", Attrs::new().with("axis", 0i64), &[k, v])?]),
    }
}

fn samples() -> Vec<Sample> {
    let f = |shape: &[usize], seed: u32| {
        let t = sample_floats(shape, seed);
        Some(Tensor::new(DType::F32, shape, t.iter().map(|v| Num::F(v.f() / 4.0))))
    };
    let s = |attrs: Attrs, x: Vec<Option<Tensor>>, outputs: usize| Sample { attrs, x, outputs };
    let padding = Some(Tensor::floats(DType::I32, &[2, 3], &[1.0, 1.0, 0.0, 1.0, 1.0, 1.0]));
    let ints = |shape: &[usize], v: &[f64]| Some(Tensor::floats(DType::I32, shape, v));
    let heads = Attrs::new().with("num_heads", 2i64);
    let sized = heads.clone().with("qkv_hidden_sizes", vec![4i64, 4, 6]).with("scale", 0.4f32);
    let plain = sized.with("mask_filter_value", -500.0f32).with("do_rotary", 0i64);
    let one_way = heads.clone().with("unidirectional", 1i64).with("past_present_share_buffer", 0i64);
    vec![
        s(plain, vec![f(&[2, 3, 5], 1), f(&[5, 14], 2), f(&[14], 3), padding], 1),
        s(
            one_way.with("rotary_embedding_dim", 0i64),
            vec![f(&[2, 3, 5], 1), f(&[5, 12], 2), None, None, f(&[2, 2, 2, 4, 2], 4)],
            2,
        ),
        s(heads.clone(), vec![f(&[2, 3, 5], 1), f(&[5, 12], 2), None, ints(&[2], &[1.0, 3.0])], 1),
        s(heads.clone(), vec![f(&[2, 3, 5], 1), f(&[5, 12], 2), None, ints(&[4], &[3.0, 2.0, 1.0, 0.0])], 1),
        s(
            heads,
            vec![
                f(&[1, 2, 5], 1),
                f(&[5, 12], 2),
                f(&[12], 3),
                ints(&[1, 2, 4], &[1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0]),
                f(&[2, 1, 2, 2, 2], 4),
                f(&[1, 1, 2, 4], 6),
            ],
            2,
        ),
    ]
}
