//! `com.microsoft.DecoderMaskedMultiHeadAttention`: `com.microsoft.MultiHeadAttention` of one query, with its operands
//! in another order. <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>
//!
//! Where the cache is a buffer that is longer than what it holds, the new key and value are written after that.

use super::common::builder::Builder;
use super::common::composite::{Composite, given, optional};
use super::common::elementwise::sample_floats;
use super::common::packed_tokens::only;
use super::microsoft_multi_head_attention::biased;
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value, attrs, bail, ensure};

attrs!(DecoderMaskedMultiHeadAttentionAttrs {
    /// What is added to the products with keys that are padding.
    mask_filter_value: f32 = -10000.0,
    /// Number of heads.
    num_heads: i64,
    /// Whether the weights of the keys are the fourth result.
    output_qk: bool = false,
    /// Whether the cache is a buffer that is longer than what it holds.
    past_present_share_buffer: bool = false,
    /// Factor of the products; absent or 0 is `1 / sqrt(head size)`.
    scale: f32 = 0.0,
});

/// See the module.
pub static MICROSOFT_DECODER_MASKED_MULTI_HEAD_ATTENTION: Composite = Composite {
    name: "DecoderMaskedMultiHeadAttention",
    domain: "com.microsoft",
    schema: DecoderMaskedMultiHeadAttentionAttrs::SCHEMA,
    operands: Arity::range(1, 11),
    results: Arity::range(1, 4),
    define,
    samples,
};

/// Q, K and V, from three operands or from one that has them one after another.
fn apart(b: &mut Builder, x: &[Option<Value>]) -> Result<[Value; 3]> {
    let q = given(x, 0, "query")?;
    match (optional(x, 1), optional(x, 2)) {
        (Some(k), Some(v)) => Ok([q, k, v]),
        (None, None) => {
            let attrs = Attrs::new().with("axis", 2i64).with("num_outputs", 3i64);
            let parts = b.results("Split", attrs, &[Some(q)], 3)?;
            Ok([parts[0], parts[1], parts[2]])
        }
        _ => bail!("one of the operands key and value is missing, expected both or none"),
    }
}

/// The buffer at `i` with `v`, [batch, 1, hidden], after the first `old` of it.
fn written(b: &mut Builder, x: &[Option<Value>], i: usize, v: Value, old: Value, heads: i64) -> Result<Value> {
    let buffer = given(x, i, "past")?;
    let v = b.reshape(v, &[0, 0, heads, -1])?;
    let v = b.transpose(v, &[0, 2, 1, 3])?;
    let batch = b.size(v, 0)?;
    let at = b.plain("Expand", &[old, batch])?;
    b.op("TensorScatter", Attrs::new().with("axis", 2i64), &[buffer, v, at])
}

/// Attention over what buffers hold, and the buffers.
fn shared(b: &mut Builder, attrs: Attrs, qkv: [Value; 3], x: &[Option<Value>], heads: i64) -> Result<Vec<Value>> {
    let [q, k, v] = biased(b, qkv, optional(x, 10), heads)?;
    let old = b.reshape(given(x, 7, "past_sequence_length")?, &[1])?;
    let old = b.cast(old, DType::I64)?;
    let (keys, values) = (written(b, x, 5, k, old, heads)?, written(b, x, 6, v, old, heads)?);
    let (one, zero, axis) = (b.ints(&[1]), b.ints(&[0]), b.ints(&[2]));
    let end = b.plain("Add", &[old, one])?;
    let mut held = |v: Value| b.plain("Slice", &[v, zero, end, axis]);
    let operands = [Some(q), Some(held(keys)?), Some(held(values)?), None, optional(x, 3), optional(x, 4)];
    let y = b.results("com.microsoft.MultiHeadAttention", attrs, &operands, 4)?;
    Ok(vec![y[0], keys, values, y[3]])
}

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = DecoderMaskedMultiHeadAttentionAttrs::read(c.attrs)?;
    ensure!(optional(x, 9).is_none(), "operand cache_indirection (beams in one cache) is not supported");
    let q = b.g.fact(given(x, 0, "query")?);
    ensure!(q.rank() == 3 && q.shape[1].as_const().is_none_or(|n| n == 1), "query is {q}, expected one query");
    let [q, k, v] = apart(b, x)?;
    let attrs = only(c.attrs, &["mask_filter_value", "num_heads", "scale"]);
    if a.past_present_share_buffer && optional(x, 5).is_some() {
        return shared(b, attrs, [q, k, v], x, a.num_heads);
    }
    let x =
        [Some(q), Some(k), Some(v), optional(x, 10), optional(x, 3), optional(x, 4), optional(x, 5), optional(x, 6)];
    b.results("com.microsoft.MultiHeadAttention", attrs, &x, c.outputs)
}

fn samples() -> Vec<Sample> {
    let f = |shape: &[usize], seed: u32| Some(sample_floats(shape, seed));
    let mask = Some(Tensor::floats(DType::I32, &[2, 5], &[1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0]));
    let s = |a: Attrs, x: Vec<Option<Tensor>>, outputs: usize| Sample { attrs: a.with("num_heads", 2i64), x, outputs };
    let set = Attrs::new().with("scale", 0.3f32).with("mask_filter_value", -1000.0f32).with("output_qk", 1i64);
    let cache = || [f(&[2, 2, 4, 4], 5), f(&[2, 2, 4, 4], 6)];
    let own = [vec![f(&[2, 1, 8], 1), f(&[2, 1, 8], 2), f(&[2, 1, 8], 3), mask, f(&[1, 2, 1, 5], 4)], cache().into()];
    let cross = vec![f(&[2, 1, 8], 1), f(&[2, 2, 5, 4], 2), f(&[2, 2, 5, 4], 3)];
    let packed = [vec![f(&[2, 1, 24], 1), None, None, None, None], cache().into(), vec![None; 3], vec![f(&[24], 7)]];
    let sharing = |v: i64| Attrs::new().with("past_present_share_buffer", v);
    let held = vec![Some(Tensor::floats(DType::I32, &[1], &[2.0])), None, None, f(&[24], 7)];
    let mask = Some(Tensor::floats(DType::I32, &[2, 3], &[1.0, 1.0, 1.0, 0.0, 1.0, 1.0]));
    let step = [vec![f(&[2, 1, 8], 1), f(&[2, 1, 8], 2), f(&[2, 1, 8], 3), mask, None], cache().into(), held];
    vec![
        s(set, own.concat(), 4),
        s(sharing(0), cross, 1),
        s(Attrs::new(), packed.concat(), 3),
        s(sharing(1), step.concat(), 3),
    ]
}
