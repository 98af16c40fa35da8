//! `ConcatFromSequence`: the tensors of a sequence one after another along an axis, or a new one.
//! <https://onnx.ai/onnx/operators/onnx__ConcatFromSequence.html>

use super::common::control::stack;
use super::common::sequence::{samples, sequence};
use crate::form::{Rank, VARIES};
use crate::op::{axis, need};
use crate::{Arity, Attrs, Ctx, Dim, Fact, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(ConcatFromSequenceAttrs {
    /// The axis of the result; negative counts from the end.
    axis: i64,
    /// Whether the axis is a new one.
    new_axis: bool = false,
});

impl ConcatFromSequenceAttrs {
    fn on(&self, rank: usize) -> Result<usize> {
        axis(self.axis, rank + self.new_axis as usize)
    }
}

/// Tensors one after another along an axis that they have.
fn join(items: &[Tensor], on: usize) -> Result<Tensor> {
    let mut shape = items[0].shape().to_vec();
    for t in &items[1..] {
        let fits = t.rank() == shape.len() && (0..shape.len()).all(|a| a == on || t.shape()[a] == shape[a]);
        ensure!(
            fits,
            "a tensor of the operand has shape {:?}, expected that of the first but for the axis, {:?}",
            t.shape(),
            items[0].shape()
        );
    }
    shape[on] = items.iter().map(|t| t.shape()[on]).sum();
    let outer: usize = shape[..on].iter().product();
    let part = |t: &Tensor| t.len() / outer.max(1);
    let data =
        (0..outer).flat_map(|o| items.iter().flat_map(move |t| (0..part(t)).map(move |i| t.at(o * part(t) + i))));
    Ok(Tensor::new(items[0].dtype(), &shape, data))
}

pub struct ConcatFromSequence;

impl Op for ConcatFromSequence {
    fn name(&self) -> &'static str {
        "ConcatFromSequence"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        ConcatFromSequenceAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn takes_forms(&self) -> bool {
        true
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let a = ConcatFromSequenceAttrs::read(c.attrs)?;
        let seq = sequence(need(x, 0, "input_sequence")?)?;
        ensure!(seq.form.rank() == Rank::Known, "the rank of the tensors in {seq} is not known");
        let (mut y, on) = (seq.clone(), a.on(seq.rank())?);
        match a.new_axis {
            true => y.shape.insert(on, Dim::sym(VARIES)),
            false => y.shape[on] = Dim::sym(VARIES),
        }
        Ok(vec![y.element(c)?])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let a = ConcatFromSequenceAttrs::read(c.attrs)?;
        let items = need(x, 0, "input_sequence")?.as_sequence()?;
        let Some(first) = items.first() else { bail!("the sequence is empty, expected a tensor") };
        let on = a.on(first.rank())?;
        match a.new_axis {
            true => Ok(vec![stack(items, &first.type_fact(), on)?]),
            false => Ok(vec![join(items, on)?]),
        }
    }
    fn samples(&self) -> Vec<Sample> {
        let on = |axis: i64, new: bool| Attrs::new().with("axis", axis).with("new_axis", new);
        let (a, b) = (samples().remove(0), samples().remove(1));
        let all = [(a.clone(), on(0, false)), (a.clone(), on(1, false)), (b, on(-1, false)), (a.clone(), on(0, true))];
        let all = all.into_iter().chain([(a.clone(), on(1, true)), (a, on(-1, true))]);
        all.map(|(x, attrs)| Sample::new(attrs, vec![x])).collect()
    }
}
