//! `MeanVarianceNormalization`: `(x - mean) / (deviation + 1e-9)` along axes.
//! <https://onnx.ai/onnx/operators/onnx__MeanVarianceNormalization.html>

use super::common::elementwise::sample_floats;
use super::common::expansion::Expansion;
use super::common::normalize::{self, tensor};
use super::common::reduction::for_each_group;
use super::common::unary::check_type;
use crate::lower::Lowering;
use crate::op::{axis, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor, attrs};

attrs!(MvnAttrs {
    /// Axes of the elements that are normalized together.
    axes: Vec<i64> = vec![0, 2, 3],
});

pub struct MeanVarianceNormalization;

/// Keeps the quotient finite where all elements are equal.
const EPSILON: f64 = 1e-9;

fn axes(c: &Ctx, rank: usize) -> Result<Vec<usize>> {
    let mut list = MvnAttrs::read(c.attrs)?.axes.iter().map(|a| axis(*a, rank)).collect::<Result<Vec<_>>>()?;
    list.sort_unstable();
    list.dedup();
    Ok(list)
}

impl Op for MeanVarianceNormalization {
    fn name(&self) -> &'static str {
        "MeanVarianceNormalization"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        MvnAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = need(x, 0, "X")?;
        check_type(DType::is_float, x.dtype)?;
        axes(c, x.rank())?;
        Ok(vec![Fact::new(x.dtype, x.shape.clone())])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "X")?;
        let mut v = x.to_f64();
        for_each_group(x.shape(), &axes(c, x.rank())?, |at| {
            let n = at.len() as f64;
            let mean = at.iter().map(|i| v[*i]).sum::<f64>() / n;
            let deviation = (at.iter().map(|i| (v[*i] - mean).powi(2)).sum::<f64>() / n).sqrt();
            at.iter().for_each(|i| v[*i] = (v[*i] - mean) / (deviation + EPSILON));
        });
        Ok(vec![tensor(x.dtype(), x.shape(), v)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let axes: Vec<i64> = axes(c, y[0].rank())?.iter().map(|a| *a as i64).collect();
        let mut e = Expansion::of(x);
        let v = e.x(0)?;
        let v = normalize::statistics(&mut e, v)?;
        let mean = e.reduce("ReduceMean", v, &axes)?;
        let centered = e.op("Sub", &[v, mean])?;
        let squares = e.op("Mul", &[centered, centered])?;
        let variance = e.reduce("ReduceMean", squares, &axes)?;
        let deviation = e.op("Sqrt", &[variance])?;
        let epsilon = e.scalar(e.fact(v).dtype, EPSILON);
        let divisor = e.op("Add", &[deviation, epsilon])?;
        let v = e.op("Div", &[centered, divisor])?;
        let v = e.cast(v, y[0].dtype)?;
        Ok(e.done(&[v]))
    }
    fn samples(&self) -> Vec<Sample> {
        let axes = |v: &[i64]| Attrs::new().with("axes", v);
        vec![
            Sample::new(Attrs::new(), vec![sample_floats(&[2, 3, 4, 5], 1)]),
            Sample::new(axes(&[-1]), vec![sample_floats(&[2, 3, 5], 1).cast(DType::F16)]),
            Sample::new(axes(&[1, 2]), vec![sample_floats(&[2, 3, 5], 2).cast(DType::F64)]),
        ]
    }
}
