//! `Flatten`: a matrix of the axes before and from `axis`. <https://onnx.ai/onnx/operators/onnx__Flatten.html>

use super::common::movement::counting;
use crate::lower::Lowering;
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, Fact, Op, Result, Sample, Tensor, attrs, dim, ensure};

attrs!(FlattenAttrs {
    /// First axis of the columns, 0 to the rank; negative counts from the end.
    axis: i64 = 1,
});

pub struct Flatten;

fn border(c: &Ctx, rank: usize) -> Result<usize> {
    let axis = FlattenAttrs::read(c.attrs)?.axis;
    let r = rank as i64;
    ensure!((-r..=r).contains(&axis), "attribute axis is {axis}, expected a number in -{rank}..={rank}");
    Ok(if axis < 0 { axis + r } else { axis } as usize)
}

impl Op for Flatten {
    fn name(&self) -> &'static str {
        "Flatten"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        FlattenAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|_| true)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = need(x, 0, "input")?;
        let (rows, columns) = x.shape.split_at(border(c, x.rank())?);
        Ok(vec![Fact::new(x.dtype, [dim::product(rows), dim::product(columns)])])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "input")?;
        let (rows, columns) = x.shape().split_at(border(c, x.rank())?);
        Ok(vec![x.reshape(&[rows.iter().product(), columns.iter().product()])?])
    }
    fn lowering(&self, _: &Ctx, _: &[Option<&Fact>], _: &[Fact]) -> Result<Lowering> {
        Ok(Lowering::Alias)
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let on = |a: i64| Sample::new(Attrs::new().with("axis", a), vec![counting(&[2, 3, 4])]);
        let default = Sample::new(Attrs::new(), vec![counting(&[2, 3, 2, 2])]);
        vec![default, on(0), on(2), on(3), on(-1)]
    }
}
