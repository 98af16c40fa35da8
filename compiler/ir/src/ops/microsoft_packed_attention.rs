//! `com.microsoft.PackedAttention`: `com.microsoft.Attention` over packed tokens.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given, optional};
use super::common::elementwise::sample_floats;
use super::common::packed_tokens::{Packed, only};
use super::common::qlinear::composite;
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value, attrs, ensure};

attrs!(PackedAttentionAttrs {
    /// Number of heads.
    num_heads: i64,
    /// Sizes of Q, K and V; absent are three thirds.
    qkv_hidden_sizes: Vec<i64> = vec![],
    /// Factor of the products; absent or 0 is `1 / sqrt(head size)`.
    scale: f32 = 0.0,
});

/// See the module.
pub static MICROSOFT_PACKED_ATTENTION: Composite =
    composite("PackedAttention", PackedAttentionAttrs::SCHEMA, Arity::range(5, 6), define, samples);

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = PackedAttentionAttrs::read(c.attrs)?;
    let product = b.plain("MatMul", &[given(x, 0, "input")?, given(x, 1, "weights")?])?;
    let all = b.plain("Add", &[product, given(x, 2, "bias")?])?;
    let split = Attrs::new().with("axis", 1i64);
    let parts = match &a.qkv_hidden_sizes[..] {
        [] => b.results("Split", split.with("num_outputs", 3i64), &[Some(all)], 3)?,
        sizes => {
            ensure!(sizes.len() == 3, "qkv_hidden_sizes is {sizes:?}, expected 3 numbers");
            let sizes = b.ints(sizes);
            b.results("Split", split, &[Some(all), Some(sizes)], 3)?
        }
    };
    let packed = Packed {
        offsets: given(x, 3, "token_offset")?,
        sums: given(x, 4, "cumulative_sequence_length")?,
        bias: optional(x, 5),
        attrs: only(c.attrs, &["num_heads", "scale"]),
    };
    Ok(vec![packed.attend(b, [parts[0], parts[1], parts[2]])?])
}

fn samples() -> Vec<Sample> {
    let f = |shape: &[usize], seed: u32| sample_floats(shape, seed);
    let ints = |shape: &[usize], v: &[f64]| Tensor::floats(DType::I32, shape, v);
    let layout = || [ints(&[2, 3], &[0.0, 3.0, 4.0, 1.0, 2.0, 5.0]), ints(&[3], &[0.0, 1.0, 3.0])];
    let s = |a: Attrs, x: &[&[Tensor]]| Sample::new(a.with("num_heads", 2i64), x.concat());
    let sizes = Attrs::new().with("qkv_hidden_sizes", vec![4i64, 4, 6]).with("scale", 0.3f32);
    vec![
        s(Attrs::new(), &[&[f(&[3, 5], 1), f(&[5, 12], 2), f(&[12], 3)], &layout()]),
        s(sizes, &[&[f(&[3, 5], 1), f(&[5, 14], 2), f(&[14], 3)], &layout(), &[f(&[1, 2, 3, 3], 4)]]),
    ]
}
