//! What Softmax and its relatives share: lines of elements along one axis.

use super::elementwise::sample_floats;
use super::expansion::{Expansion, wide};
use super::reduction::for_each_group;
use super::unary::check_type;
use crate::attrs::Field;
use crate::lower::Lowering;
use crate::op::{axis, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, Value, attrs};

attrs!(AxisAttrs {
    /// Axis of the lines; negative counts from the end.
    axis: i64 = -1,
});

/// A function of lines of floats along attribute `axis`.
pub struct Lines {
    /// ONNX name.
    pub name: &'static str,
    /// A line from a line.
    pub meaning: fn(&[f64]) -> Vec<f64>,
    /// The same as a graph: from elements of at least f32, and the axis.
    pub expand: fn(&mut Expansion, Value, i64) -> Result<Value>,
}

/// The largest element.
pub fn largest(v: &[f64]) -> f64 {
    v.iter().fold(f64::NEG_INFINITY, |a, b| if b.is_nan() { f64::NAN } else { a.max(*b) })
}

/// Elements less the largest of their line.
pub fn shift(e: &mut Expansion, x: Value, axis: i64) -> Result<Value> {
    let largest = e.reduce("ReduceMax", x, &[axis])?;
    e.op("Sub", &[x, largest])
}

impl Op for Lines {
    fn name(&self) -> &'static str {
        self.name
    }
    fn schema(&self) -> &'static [Field] {
        AxisAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = need(x, 0, "input")?;
        check_type(DType::is_float, x.dtype)?;
        axis(AxisAttrs::read(c.attrs)?.axis, x.rank())?;
        Ok(vec![Fact::new(x.dtype, x.shape.clone())])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "input")?;
        let axis = axis(AxisAttrs::read(c.attrs)?.axis, x.rank())?;
        let mut out = x.to_f64();
        for_each_group(x.shape(), &[axis], |at| {
            let line: Vec<f64> = at.iter().map(|i| out[*i]).collect();
            for (i, v) in at.iter().zip((self.meaning)(&line)) {
                out[*i] = v;
            }
        });
        Ok(vec![Tensor::new(x.dtype(), x.shape(), out.into_iter().map(Num::F))])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let axis = axis(AxisAttrs::read(c.attrs)?.axis, y[0].rank())?;
        let mut e = Expansion::of(x);
        let v = e.x(0)?;
        let v = e.cast(v, wide(y[0].dtype))?;
        let v = (self.expand)(&mut e, v, axis as i64)?;
        let v = e.cast(v, y[0].dtype)?;
        Ok(e.done(&[v]))
    }
    fn samples(&self) -> Vec<Sample> {
        let x = || sample_floats(&[2, 3, 5], 1);
        let ties = Tensor::f32(&[2, 4], &[1.0, 3.0, 3.0, 0.0, 2.0, 2.0, 2.0, 2.0]);
        let mut out: Vec<Sample> =
            [0i64, 1, -1].iter().map(|a| Sample::new(Attrs::new().with("axis", *a), vec![x()])).collect();
        let wide = Tensor::f32(&[3], &[1000.0, -1000.0, 999.0]);
        for x in [x(), ties, x().cast(DType::F16), x().cast(DType::F64), wide] {
            out.push(Sample::new(Attrs::new(), vec![x]));
        }
        out
    }
}
