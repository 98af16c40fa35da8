//! `com.microsoft.RotaryEmbedding`: pairs of elements of each head turned by an angle that grows with the position.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::elementwise::sample_floats;
use super::common::rotary::Rotary;
use crate::lower::Lowering;
use crate::{Arity, Attrs, Ctx, Fact, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(MicrosoftRotaryEmbeddingAttrs {
    /// Whether a pair is two neighbours, instead of an element of each half.
    interleaved: bool = false,
    /// Whether sequences of several lengths are packed into one; not supported.
    is_packed_batching: bool = false,
    /// Heads of X where it comes with three axes; 0 follows from the cache.
    num_heads: i64 = 0,
    /// Elements of a head that are turned; 0 is all.
    rotary_embedding_dim: i64 = 0,
    /// Reserved: of no effect.
    scale: f32 = 1.0,
});

pub struct MicrosoftRotaryEmbedding;

fn rotary(c: &Ctx) -> Result<Rotary> {
    let a = MicrosoftRotaryEmbeddingAttrs::read(c.attrs)?;
    ensure!(!a.is_packed_batching, "is_packed_batching is 1, expected 0");
    Ok(Rotary { heads: a.num_heads, interleaved: a.interleaved, dim: a.rotary_embedding_dim, slots: [2, 3, 1] })
}

impl Op for MicrosoftRotaryEmbedding {
    fn name(&self) -> &'static str {
        "RotaryEmbedding"
    }
    fn domain(&self) -> &'static str {
        "com.microsoft"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        MicrosoftRotaryEmbeddingAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(4)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        Ok(vec![rotary(c)?.infer(x)?])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        Ok(vec![rotary(c)?.eval(x)?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        rotary(c)?.lowering(x, &y[0])
    }
    fn samples(&self) -> Vec<Sample> {
        let f = sample_floats;
        let a = Attrs::new;
        let positions = Tensor::i64(&[2, 3], &[0, 1, 2, 4, 3, 5]);
        let (cos, sin) = (f(&[6, 4], 2), f(&[6, 4], 3));
        let partial = a().with("num_heads", 2i64).with("rotary_embedding_dim", 4i64).with("scale", 1.0f32);
        let start = Tensor::i64(&[1], &[2]);
        vec![
            Sample::new(a(), vec![f(&[2, 3, 16], 1), positions.clone(), cos.clone(), sin.clone()]),
            Sample::new(
                a().with("interleaved", 1i64).with("is_packed_batching", 0i64),
                vec![f(&[2, 4, 3, 8], 1), start, cos, sin],
            ),
            Sample::new(
                partial.clone().with("interleaved", 1i64),
                vec![f(&[2, 3, 12], 1), positions.clone(), f(&[6, 2], 2), f(&[6, 2], 3)],
            ),
            Sample::new(partial, vec![f(&[2, 3, 12], 1), positions, f(&[6, 2], 2), f(&[6, 2], 3)]),
        ]
    }
}
