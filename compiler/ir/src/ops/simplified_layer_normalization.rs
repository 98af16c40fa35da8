//! `SimplifiedLayerNormalization`: `x / sqrt(mean(x^2) + epsilon) * scale`, as ONNX Runtime exports it.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>
//!
//! Models name it in the domain ai.onnx, which does not define it, or in com.microsoft.

use super::common::expansion::Expansion;
use super::common::layer_norm::{Norm, operands, stash};
use super::common::normalize::{Center, tensor};
use crate::lower::Lowering;
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor, attrs};

attrs!(SimplifiedNormAttrs {
    /// First normalized axis.
    axis: i64 = -1,
    /// Added to the mean square.
    epsilon: f32 = 1e-5,
    /// Element type of the inverse deviation, as ONNX numbers them.
    stash_type: i64 = 1,
});

/// The operator in one domain.
pub struct Simplified {
    domain: &'static str,
}

/// In ai.onnx.
pub static SIMPLIFIED_LAYER_NORMALIZATION: Simplified = Simplified { domain: "" };

/// In com.microsoft.
pub static MICROSOFT: Simplified = Simplified { domain: "com.microsoft" };

fn norm(a: &SimplifiedNormAttrs, rank: usize) -> Result<Norm> {
    Norm::new(Center::Zero, a.epsilon, a.axis, rank)
}

impl Op for Simplified {
    fn name(&self) -> &'static str {
        "SimplifiedLayerNormalization"
    }
    fn domain(&self) -> &'static str {
        self.domain
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        SimplifiedNormAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn results(&self) -> Arity {
        Arity::range(1, 2)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let a = SimplifiedNormAttrs::read(c.attrs)?;
        let (data, scale) = (need(x, 0, "X")?, need(x, 1, "scale")?);
        let n = norm(&a, data.rank())?;
        let shape = n.infer(data, scale, None)?;
        let statistics = Fact::new(DType::F32, n.statistics(&shape));
        Ok([Fact::new(scale.dtype, shape), statistics].into_iter().take(c.outputs).collect())
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (data, scale) = (need(x, 0, "X")?, need(x, 1, "scale")?);
        let n = norm(&SimplifiedNormAttrs::read(c.attrs)?, data.rank())?;
        let (y, statistics) = n.eval(&data.to_f64(), data.shape(), scale, None);
        let [_, inverse] = n.statistics_of(&statistics, data.shape(), DType::F32);
        Ok([tensor(scale.dtype(), data.shape(), y), inverse].into_iter().take(c.outputs).collect())
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let a = SimplifiedNormAttrs::read(c.attrs)?;
        let mut e = Expansion::of(x);
        let (v, scale) = (e.x(0)?, e.x(1)?);
        let v = e.cast(v, stash(a.stash_type, need(x, 0, "X")?.dtype))?;
        let [v, _, deviation] = norm(&a, y[0].rank())?.expand(&mut e, v, scale, None)?;
        let mut out = vec![e.cast(v, y[0].dtype)?];
        if y.len() == 2 {
            let inverse = e.op("Reciprocal", &[deviation])?;
            out.push(e.cast(inverse, DType::F32)?);
        }
        Ok(e.done(&out))
    }
    fn samples(&self) -> Vec<Sample> {
        let of = |first: usize, dtype| operands(&[2, 3, 5], first, dtype)[..2].to_vec();
        let attrs = Attrs::new().with("axis", 1i64).with("epsilon", 0.5f32).with("stash_type", 1i64);
        vec![
            Sample::new(Attrs::new(), of(2, DType::F32)),
            Sample { outputs: 2, ..Sample::new(attrs, of(1, DType::F32)) },
            Sample::new(Attrs::new(), of(2, DType::F16)),
        ]
    }
}
