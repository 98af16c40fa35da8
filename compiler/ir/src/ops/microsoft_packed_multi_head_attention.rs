//! `com.microsoft.PackedMultiHeadAttention`: `com.microsoft.MultiHeadAttention` over packed tokens.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given, optional};
use super::common::elementwise::sample_floats;
use super::common::packed_tokens::Packed;
use super::common::qlinear::composite;
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value, attrs, bail, ensure};

attrs!(PackedMultiHeadAttentionAttrs {
    /// What is added to the products with keys that are padding.
    mask_filter_value: f32 = -10000.0,
    /// Number of heads.
    num_heads: i64,
    /// Factor of the products; absent or 0 is `1 / sqrt(head size)`.
    scale: f32 = 0.0,
});

/// See the module.
pub static MICROSOFT_PACKED_MULTI_HEAD_ATTENTION: Composite =
    composite("PackedMultiHeadAttention", PackedMultiHeadAttentionAttrs::SCHEMA, Arity::range(6, 7), define, samples);

/// Q, K and V as [tokens, size], from one operand with four axes or from three.
fn apart(b: &mut Builder, x: &[Option<Value>]) -> Result<[Value; 3]> {
    let q = given(x, 0, "query")?;
    match (optional(x, 1), optional(x, 2)) {
        (Some(k), Some(v)) => Ok([q, k, v]),
        (None, None) if b.g.fact(q).rank() == 4 => {
            let mut part = |i: f64| {
                let at = b.number(DType::I64, i);
                let v = b.op("Gather", Attrs::new().with("axis", 2i64), &[q, at])?;
                b.reshape(v, &[0, -1])
            };
            Ok([part(0.0)?, part(1.0)?, part(2.0)?])
        }
        _ => bail!(
            "operands query, key and value are neither apart nor packed, expected three of rank 2 or one of rank 4"
        ),
    }
}

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    PackedMultiHeadAttentionAttrs::read(c.attrs)?;
    let [mut q, mut k, mut v] = apart(b, x)?;
    if let Some(bias) = optional(x, 3) {
        let sizes = [b.size(q, 1)?, b.size(k, 1)?, b.size(v, 1)?];
        let sizes = b.op("Concat", Attrs::new().with("axis", 0i64), &sizes)?;
        let parts = b.results("Split", Attrs::new(), &[Some(bias), Some(sizes)], 3)?;
        for (v, part) in [&mut q, &mut k, &mut v].into_iter().zip(parts) {
            *v = b.plain("Add", &[*v, part])?;
        }
    }
    ensure!(b.g.fact(q).rank() == 2, "query is {}, expected rank 2", b.g.fact(q));
    let packed = Packed {
        offsets: given(x, 4, "token_offset")?,
        sums: given(x, 5, "cumulative_sequence_length")?,
        bias: optional(x, 6),
        attrs: c.attrs.clone(),
    };
    Ok(vec![packed.attend(b, [q, k, v])?])
}

fn samples() -> Vec<Sample> {
    let f = |shape: &[usize], seed: u32| Some(sample_floats(shape, seed));
    let ints = |shape: &[usize], v: &[f64]| Some(Tensor::floats(DType::I32, shape, v));
    let layout = || [ints(&[2, 3], &[0.0, 3.0, 4.0, 1.0, 2.0, 5.0]), ints(&[3], &[0.0, 1.0, 3.0])];
    let s = |a: Attrs, x: &[&[Option<Tensor>]]| Sample { attrs: a.with("num_heads", 2i64), x: x.concat(), outputs: 1 };
    let set = Attrs::new().with("scale", 0.3f32).with("mask_filter_value", -1000.0f32);
    vec![
        s(Attrs::new(), &[&[f(&[3, 8], 1), f(&[3, 8], 2), f(&[3, 6], 3), f(&[22], 4)], &layout()]),
        s(set, &[&[f(&[3, 2, 3, 4], 1), None, None, None], &layout(), &[f(&[1, 2, 3, 3], 4)]]),
    ]
}
