//! `RotaryEmbedding`: pairs of elements of each head turned by an angle that grows with the position.
//! <https://onnx.ai/onnx/operators/onnx__RotaryEmbedding.html>

use super::common::elementwise::sample_floats;
use super::common::rotary::Rotary;
use crate::lower::Lowering;
use crate::{Arity, Attrs, Ctx, Fact, Op, Result, Sample, Tensor, attrs};

attrs!(RotaryEmbeddingAttrs {
    /// Whether a pair is two neighbours, instead of an element of each half.
    interleaved: bool = false,
    /// Heads of X where it comes with three axes.
    num_heads: i64 = 0,
    /// Elements of a head that are turned; 0 is all.
    rotary_embedding_dim: i64 = 0,
});

pub struct RotaryEmbedding;

fn rotary(c: &Ctx) -> Result<Rotary> {
    let a = RotaryEmbeddingAttrs::read(c.attrs)?;
    Ok(Rotary { heads: a.num_heads, interleaved: a.interleaved, dim: a.rotary_embedding_dim, slots: [1, 2, 3] })
}

impl Op for RotaryEmbedding {
    fn name(&self) -> &'static str {
        "RotaryEmbedding"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        RotaryEmbeddingAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(3, 4)
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
        let partial = a().with("num_heads", 2i64).with("rotary_embedding_dim", 4i64);
        vec![
            Sample::new(a(), vec![f(&[2, 4, 3, 8], 1), cos.clone(), sin.clone(), positions.clone()]),
            Sample::new(a().with("interleaved", 1i64), vec![f(&[2, 4, 3, 8], 1), cos, sin, positions]),
            Sample::new(partial, vec![f(&[2, 3, 12], 1), f(&[2, 3, 2], 2), f(&[2, 3, 2], 3)]),
        ]
    }
}
