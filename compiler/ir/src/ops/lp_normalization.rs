//! `LpNormalization`: each line by its L1 or L2 norm; a line of zeros stays.
//! <https://onnx.ai/onnx/operators/onnx__LpNormalization.html>

use super::common::elementwise::sample_floats;
use super::common::expansion::{Expansion, wide};
use super::common::normalize::tensor;
use super::common::reduction::for_each_group;
use super::common::unary::check_type;
use crate::lower::Lowering;
use crate::op::{axis, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(LpNormAttrs {
    /// Axis of the lines; negative counts from the end.
    axis: i64 = -1,
    /// Order of the norm: 1 or 2.
    p: i64 = 2,
});

pub struct LpNormalization;

fn norm(line: &[f64], p: i64) -> f64 {
    match p {
        1 => line.iter().map(|v| v.abs()).sum(),
        _ => line.iter().map(|v| v * v).sum::<f64>().sqrt(),
    }
}

impl Op for LpNormalization {
    fn name(&self) -> &'static str {
        "LpNormalization"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        LpNormAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let a = LpNormAttrs::read(c.attrs)?;
        let x = need(x, 0, "input")?;
        check_type(DType::is_float, x.dtype)?;
        ensure!(a.p == 1 || a.p == 2, "p is {}, expected 1 or 2", a.p);
        axis(a.axis, x.rank())?;
        Ok(vec![Fact::new(x.dtype, x.shape.clone())])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let a = LpNormAttrs::read(c.attrs)?;
        let x = need(x, 0, "input")?;
        let mut v = x.to_f64();
        for_each_group(x.shape(), &[axis(a.axis, x.rank())?], |at| {
            let n = norm(&at.iter().map(|i| v[*i]).collect::<Vec<_>>(), a.p);
            at.iter().for_each(|i| v[*i] = if n == 0.0 { 0.0 } else { v[*i] / n });
        });
        Ok(vec![tensor(x.dtype(), x.shape(), v)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let a = LpNormAttrs::read(c.attrs)?;
        let work = wide(y[0].dtype);
        let mut e = Expansion::of(x);
        let v = e.x(0)?;
        let v = e.cast(v, work)?;
        let n = e.reduce(if a.p == 1 { "ReduceL1" } else { "ReduceL2" }, v, &[axis(a.axis, y[0].rank())? as i64])?;
        let (zero, one) = (e.scalar(work, 0.0), e.scalar(work, 1.0));
        let empty = e.op("Equal", &[n, zero])?;
        let n = e.op("Where", &[empty, one, n])?;
        let v = e.op("Div", &[v, n])?;
        let v = e.cast(v, y[0].dtype)?;
        Ok(e.done(&[v]))
    }
    fn samples(&self) -> Vec<Sample> {
        let zeros = Tensor::f32(&[2, 2], &[0.0, 0.0, 3.0, 4.0]);
        vec![
            Sample::new(Attrs::new(), vec![zeros.clone()]),
            Sample::new(Attrs::new().with("p", 1i64), vec![zeros]),
            Sample::new(Attrs::new().with("axis", 1i64), vec![sample_floats(&[2, 3, 5], 1)]),
            Sample::new(
                Attrs::new().with("axis", 0i64).with("p", 1i64),
                vec![sample_floats(&[3, 4], 1).cast(DType::F16)],
            ),
        ]
    }
}
