//! `GatherElements`: each element from the position that `indices` gives along one axis.
//! <https://onnx.ai/onnx/operators/onnx__GatherElements.html>

use super::common::movement::{checked, clamped, counting, guarded, offset, take};
use crate::lower::{Comp, Expr, Lowering};
use crate::op::{Strings, axis, need};
use crate::{Arity, Attrs, Ctx, Fact, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(GatherElementsAttrs {
    /// The axis; negative counts from the end.
    axis: i64 = 0,
});

pub struct GatherElements;

impl Op for GatherElements {
    fn name(&self) -> &'static str {
        "GatherElements"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        GatherElementsAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|i| i == 0)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (data, indices) = (need(x, 0, "data")?, need(x, 1, "indices")?);
        let on = axis(GatherElementsAttrs::read(c.attrs)?.axis, data.rank())?;
        ensure!(indices.dtype.is_int(), "indices are {}, expected integers", indices.dtype);
        ensure!(indices.rank() == data.rank(), "indices is {indices}, expected rank {}", data.rank());
        for (a, (i, d)) in indices.shape.iter().zip(&data.shape).enumerate().filter(|(a, _)| *a != on) {
            let fits = i.as_const().zip(d.as_const()).is_none_or(|(i, d)| i <= d);
            ensure!(fits, "indices is {indices}, expected at most {d} along axis {a}");
        }
        Ok(vec![Fact::new(data.dtype, indices.shape.clone())])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (data, indices) = (need(x, 0, "data")?, need(x, 1, "indices")?);
        let on = axis(GatherElementsAttrs::read(c.attrs)?.axis, data.rank())?;
        let extent = data.shape()[on];
        let at: Vec<usize> = indices.to_i64().into_iter().map(|i| checked(i, extent)).collect::<Result<_>>()?;
        let (strides, mut at) = (data.strides(), at.into_iter());
        let source = |idx: &[usize]| {
            let moved = at.next().unwrap_or(0) * strides[on];
            offset(&strides, idx) - idx[on] * strides[on] + moved
        };
        Ok(vec![take(data, indices.shape(), source)?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (data, indices) = (need(x, 0, "data")?, need(x, 1, "indices")?);
        let on = axis(GatherElementsAttrs::read(c.attrs)?.axis, data.rank())?;
        let mut index = Expr::vars(data.rank());
        index[on] = clamped(&Expr::load(1, indices, index.clone()), &data.shape[on]);
        let load = guarded([&data.shape[on]], &Expr::load(0, data, index));
        Ok(Lowering::Comps(vec![Comp::new(&y[0], load)]))
    }
    fn samples(&self) -> Vec<Sample> {
        let at = Tensor::i64(&[2, 2], &[1, 0, -1, 2]);
        vec![
            Sample::new(Attrs::new(), vec![counting(&[3, 2]), at.clone()]),
            Sample::new(Attrs::new().with("axis", -1i64), vec![counting(&[2, 3]), at.cast(crate::DType::I32)]),
        ]
    }
}
