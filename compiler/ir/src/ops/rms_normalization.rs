//! `RMSNormalization`: `x / sqrt(mean(x^2) + epsilon) * scale` over the axes from `axis` on, in the type of the scale.
//! <https://onnx.ai/onnx/operators/onnx__RMSNormalization.html>

use super::common::expansion::Expansion;
use super::common::layer_norm::{Norm, operands, stash};
use super::common::normalize::{Center, tensor};
use crate::lower::Lowering;
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor, attrs};

attrs!(RmsNormAttrs {
    /// First normalized axis.
    axis: i64 = -1,
    /// Added to the mean square.
    epsilon: f32 = 1e-5,
    /// Element type of the computation, as ONNX numbers them.
    stash_type: i64 = 1,
});

pub struct RmsNormalization;

fn norm(a: &RmsNormAttrs, rank: usize) -> Result<Norm> {
    Norm::new(Center::Zero, a.epsilon, a.axis, rank)
}

impl Op for RmsNormalization {
    fn name(&self) -> &'static str {
        "RMSNormalization"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        RmsNormAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (data, scale) = (need(x, 0, "X")?, need(x, 1, "scale")?);
        let n = norm(&RmsNormAttrs::read(c.attrs)?, data.rank())?;
        Ok(vec![Fact::new(scale.dtype, n.infer(data, scale, None)?)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (data, scale) = (need(x, 0, "X")?, need(x, 1, "scale")?);
        let n = norm(&RmsNormAttrs::read(c.attrs)?, data.rank())?;
        let (y, _) = n.eval(&data.to_f64(), data.shape(), scale, None);
        Ok(vec![tensor(scale.dtype(), data.shape(), y)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let a = RmsNormAttrs::read(c.attrs)?;
        let mut e = Expansion::of(x);
        let (v, scale) = (e.x(0)?, e.x(1)?);
        let v = e.cast(v, stash(a.stash_type, need(x, 0, "X")?.dtype))?;
        let [v, ..] = norm(&a, y[0].rank())?.expand(&mut e, v, scale, None)?;
        let v = e.cast(v, y[0].dtype)?;
        Ok(e.done(&[v]))
    }
    fn samples(&self) -> Vec<Sample> {
        let of = |first: usize, dtype| operands(&[2, 3, 5], first, dtype)[..2].to_vec();
        let mixed = vec![of(2, DType::F32).remove(0), of(2, DType::F16).remove(1)];
        vec![
            Sample::new(Attrs::new(), of(2, DType::F32)),
            Sample::new(Attrs::new().with("axis", 1i64), of(1, DType::F32)),
            Sample::new(Attrs::new().with("axis", 0i64).with("epsilon", 0.5f32), of(0, DType::F64)),
            Sample::new(Attrs::new().with("stash_type", 1i64), of(2, DType::F16)),
            Sample::new(Attrs::new(), mixed),
        ]
    }
}
