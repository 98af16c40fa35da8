//! `ReverseSequence`: the first `sequence_lens[b]` steps of every batch in reverse.
//! <https://onnx.ai/onnx/operators/onnx__ReverseSequence.html>

use super::common::movement::{counting, ints, offset, take, unify};
use crate::lower::{self, Expr, Lowering, Ty};
use crate::op::{Strings, axis, need};
use crate::{Arity, Attrs, Ctx, Fact, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(ReverseSequenceAttrs {
    /// Axis of the batches.
    batch_axis: i64 = 1,
    /// Axis of the steps.
    time_axis: i64 = 0,
});

pub struct ReverseSequence;

/// Axes of the batches and of the steps.
fn setup(c: &Ctx, rank: usize) -> Result<(usize, usize)> {
    let a = ReverseSequenceAttrs::read(c.attrs)?;
    let (batch, time) = (axis(a.batch_axis, rank)?, axis(a.time_axis, rank)?);
    ensure!(batch != time, "attributes batch_axis and time_axis are both {batch}, expected two axes");
    Ok((batch, time))
}

impl Op for ReverseSequence {
    fn name(&self) -> &'static str {
        "ReverseSequence"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        ReverseSequenceAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|_| true)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (data, lens) = (need(x, 0, "input")?, need(x, 1, "sequence_lens")?);
        let (batch, _) = setup(c, data.rank())?;
        ensure!(
            lens.rank() == 1 && lens.dtype.is_int(),
            "operand sequence_lens is {lens}, expected a vector of integers"
        );
        unify(&lens.shape[0], &data.shape[batch])?;
        Ok(vec![data.type_only()])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (data, lens) = (need(x, 0, "input")?, need(x, 1, "sequence_lens")?.to_i64());
        let (batch, time) = setup(c, data.rank())?;
        let steps = data.shape()[time] as i64;
        ensure!(
            lens.iter().all(|n| (0..=steps).contains(n)),
            "operand sequence_lens is {lens:?}, expected 0..={steps}"
        );
        let strides = data.strides();
        let source = |idx: &[usize]| {
            let (t, len) = (idx[time], lens[idx[batch]] as usize);
            let from = if t < len { len - 1 - t } else { t };
            offset(&strides, idx) - t * strides[time] + from * strides[time]
        };
        Ok(vec![take(data, data.shape(), source)?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (data, lens) = (need(x, 0, "input")?, need(x, 1, "sequence_lens")?);
        let (batch, time) = setup(c, data.rank())?;
        let mut index = Expr::vars(data.rank());
        let t = index[time].clone();
        let len = Expr::load(1, lens, vec![index[batch].clone()]).cast(Ty::I64).min(&Expr::size(&data.shape[time]));
        index[time] = t.lt(&len).select(&len.sub(&Expr::int(1)).sub(&t), &t);
        Ok(lower::gather(&y[0], data, index))
    }
    fn samples(&self) -> Vec<Sample> {
        let a = Attrs::new().with("time_axis", 1i64).with("batch_axis", 0i64);
        vec![
            Sample::new(Attrs::new(), vec![counting(&[4, 3]), ints(&[4, 0, 2])]),
            Sample::new(a, vec![counting(&[2, 3, 2]), ints(&[1, 3])]),
        ]
    }
}
