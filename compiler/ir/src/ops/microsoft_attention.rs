//! `com.microsoft.Attention`: Q, K and V by one product of the input, then attention, head by head.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given, optional};
use super::common::elementwise::sample_floats;
use super::common::padding_mask::{additive, sum};
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
pub static MICROSOFT_ATTENTION: Composite = Composite {
    name: "Attention",
    domain: "com.microsoft",
    schema: MicrosoftAttentionAttrs::SCHEMA,
    operands: Arity::range(2, 7),
    results: Arity::range(1, 2),
    define,
    samples,
};

/// Q, K and V: parts of the last axis of the product.
fn projected(b: &mut Builder, a: &MicrosoftAttentionAttrs, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let (input, weights) = (given(x, 0, "input")?, given(x, 1, "weights")?);
    let mut v = b.plain("MatMul", &[input, weights])?;
    if let Some(bias) = optional(x, 2) {
        v = b.plain("Add", &[v, bias])?;
    }
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
    ensure!(!a.do_rotary && !a.past_present_share_buffer, "do_rotary and shared buffers are not supported");
    let qkv = projected(b, &a, x)?;
    let (past, dtype) = (optional(x, 4), b.g.fact(qkv[0]).dtype);
    let mut keys = b.length(qkv[1], 1)?;
    if let Some(p) = past {
        let old = b.length(p, 3)?;
        keys = b.plain("Add", &[keys, old])?;
    }
    let mask = optional(x, 3).map(|m| additive(b, m, keys, a.mask_filter_value.into(), dtype)).transpose()?;
    let mask = sum(b, mask, optional(x, 5))?;
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
    let heads = Attrs::new().with("num_heads", 2i64);
    let sized = heads.clone().with("qkv_hidden_sizes", vec![4i64, 4, 6]).with("scale", 0.4f32);
    let plain = sized.with("mask_filter_value", -500.0f32).with("do_rotary", 0i64);
    let causal = heads.with("unidirectional", 1i64).with("past_present_share_buffer", 0i64);
    vec![
        s(plain, vec![f(&[2, 3, 5], 1), f(&[5, 14], 2), f(&[14], 3), padding], 1),
        s(
            causal.with("rotary_embedding_dim", 0i64),
            vec![f(&[2, 3, 5], 1), f(&[5, 12], 2), None, None, f(&[2, 2, 2, 4, 2], 4)],
            2,
        ),
    ]
}
