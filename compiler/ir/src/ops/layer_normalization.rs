//! `LayerNormalization`: `(x - mean) / sqrt(variance + epsilon) * scale + bias` over the axes from `axis` on.
//! <https://onnx.ai/onnx/operators/onnx__LayerNormalization.html>

use super::common::expansion::Expansion;
use super::common::layer_norm::{Norm, operands, stash};
use super::common::normalize::{Center, tensor};
use crate::lower::Lowering;
use crate::op::{maybe, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(LayerNormAttrs {
    /// First normalized axis.
    axis: i64 = -1,
    /// Added to the variance.
    epsilon: f32 = 1e-5,
    /// Element type of mean and inverse deviation, as ONNX numbers them.
    stash_type: i64 = 1,
});

pub struct LayerNormalization;

fn norm(a: &LayerNormAttrs, rank: usize) -> Result<Norm> {
    Norm::new(Center::Mean, a.epsilon, a.axis, rank)
}

/// Element type of the statistics.
fn statistics_type(a: &LayerNormAttrs) -> Result<DType> {
    let found = i32::try_from(a.stash_type).ok().and_then(DType::from_onnx).filter(|d| d.is_float());
    ensure!(found.is_some(), "stash_type is {}, expected the number of a float type", a.stash_type);
    Ok(found.unwrap_or(DType::F32))
}

impl Op for LayerNormalization {
    fn name(&self) -> &'static str {
        "LayerNormalization"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        LayerNormAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(2, 3)
    }
    fn results(&self) -> Arity {
        Arity::range(1, 3)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let a = LayerNormAttrs::read(c.attrs)?;
        let data = need(x, 0, "X")?;
        let n = norm(&a, data.rank())?;
        let shape = n.infer(data, need(x, 1, "Scale")?, maybe(x, 2))?;
        let statistics = Fact::new(statistics_type(&a)?, n.statistics(&shape));
        let all = [Fact::new(data.dtype, shape), statistics.clone(), statistics];
        Ok(all.into_iter().take(c.outputs).collect())
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let a = LayerNormAttrs::read(c.attrs)?;
        let data = need(x, 0, "X")?;
        let n = norm(&a, data.rank())?;
        let (y, statistics) = n.eval(&data.to_f64(), data.shape(), need(x, 1, "Scale")?, maybe(x, 2));
        let y = [tensor(data.dtype(), data.shape(), y)];
        let rest = n.statistics_of(&statistics, data.shape(), statistics_type(&a)?);
        Ok(y.into_iter().chain(rest).take(c.outputs).collect())
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let a = LayerNormAttrs::read(c.attrs)?;
        let n = norm(&a, y[0].rank())?;
        let mut e = Expansion::of(x);
        let (v, scale, bias) = (e.x(0)?, e.x(1)?, e.operand(2));
        let v = e.cast(v, stash(a.stash_type, y[0].dtype))?;
        let [v, mean, deviation] = n.expand(&mut e, v, scale, bias)?;
        let mut out = vec![e.cast(v, y[0].dtype)?];
        if let Some(f) = y.get(1) {
            out.push(e.cast(mean, f.dtype)?);
        }
        if let Some(f) = y.get(2) {
            let inverse = e.op("Reciprocal", &[deviation])?;
            out.push(e.cast(inverse, f.dtype)?);
        }
        Ok(e.done(&out))
    }
    fn samples(&self) -> Vec<Sample> {
        let mut out = vec![];
        for (first, shape) in [(2, vec![2, 3, 5]), (1, vec![2, 3, 5]), (0, vec![3, 4])] {
            let attrs = Attrs::new().with("axis", first as i64);
            out.push(Sample { outputs: 3, ..Sample::new(attrs, operands(&shape, first, DType::F32)) });
        }
        for dtype in [DType::F64, DType::F16, DType::BF16] {
            out.push(Sample::new(Attrs::new(), operands(&[2, 3, 5], 2, dtype)));
        }
        let attrs = Attrs::new().with("epsilon", 0.5f32).with("stash_type", DType::F64);
        out.push(Sample { outputs: 2, ..Sample::new(attrs, operands(&[3, 4], 1, DType::F32)[..2].to_vec()) });
        out
    }
}
