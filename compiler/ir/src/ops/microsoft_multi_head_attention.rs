//! `com.microsoft.MultiHeadAttention`: `softmax(scale * Q K^T + masks) V`, head by head, operands packed in several ways.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given, optional};
use super::common::elementwise::sample_floats;
use super::common::padding_mask::{additive, sum};
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
pub static MICROSOFT_MULTI_HEAD_ATTENTION: Composite = Composite {
    name: "MultiHeadAttention",
    domain: "com.microsoft",
    schema: MultiHeadAttentionAttrs::SCHEMA,
    operands: Arity::range(1, 10),
    results: Arity::range(1, 4),
    define,
    samples,
};

/// Part `i` of axis 3 of (batch, sequence, heads, parts, size), as (batch, sequence, hidden).
fn part(b: &mut Builder, packed: Value, i: i64) -> Result<Value> {
    let at = b.number(DType::I64, i as f64);
    let v = b.op("Gather", Attrs::new().with("axis", 3i64), &[packed, at])?;
    b.reshape(v, &[0, 0, -1])
}

fn unpacked(b: &mut Builder, x: &[Option<Value>]) -> Result<[Value; 3]> {
    let q = given(x, 0, "query")?;
    match (optional(x, 1), optional(x, 2)) {
        (Some(k), Some(v)) => Ok([q, k, v]),
        (Some(kv), None) if b.g.fact(kv).rank() == 5 => Ok([q, part(b, kv, 0)?, part(b, kv, 1)?]),
        (None, None) if b.g.fact(q).rank() == 5 => Ok([part(b, q, 0)?, part(b, q, 1)?, part(b, q, 2)?]),
        _ => bail!("query, key and value are neither apart nor packed with five axes"),
    }
}

/// Adds the bias, one for all, to Q, K and V.
fn biased(b: &mut Builder, [q, k, v]: [Value; 3], bias: Option<Value>) -> Result<[Value; 3]> {
    let Some(bias) = bias else { return Ok([q, k, v]) };
    ensure!([q, k, v].iter().all(|v| b.g.fact(*v).rank() == 3), "bias is given, expected operands of rank 3");
    let sizes = [b.size(q, 2)?, b.size(k, 2)?, b.size(v, 2)?];
    let sizes = b.op("Concat", Attrs::new().with("axis", 0i64), &sizes)?;
    let parts = b.results("Split", Attrs::new(), &[Some(bias), Some(sizes)], 3)?;
    Ok([b.plain("Add", &[q, parts[0]])?, b.plain("Add", &[k, parts[1]])?, b.plain("Add", &[v, parts[2]])?])
}

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = MultiHeadAttentionAttrs::read(c.attrs)?;
    ensure!(optional(x, 8).is_none() && optional(x, 9).is_none(), "shared buffers of the cache are not supported");
    let apart = unpacked(b, x)?;
    let [q, k, v] = biased(b, apart, optional(x, 3))?;
    let (past, dtype) = (optional(x, 6), b.g.fact(q).dtype);
    let mut keys = b.length(k, b.g.fact(k).rank() as i64 - 2)?;
    if let Some(p) = past {
        let old = b.length(p, 2)?;
        keys = b.plain("Add", &[keys, old])?;
    }
    let mask = optional(x, 4).map(|m| additive(b, m, keys, a.mask_filter_value.into(), dtype)).transpose()?;
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
    ]
}
