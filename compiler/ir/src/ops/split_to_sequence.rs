//! `SplitToSequence`: consecutive parts of one axis as a sequence.
//! <https://onnx.ai/onnx/operators/onnx__SplitToSequence.html>

use super::common::elementwise::sample_floats;
use super::common::movement::{ints, offset, take};
use super::common::sequence::{dense, int};
use crate::form::VARIES;
use crate::op::{axis, maybe, need};
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(SplitToSequenceAttrs {
    /// The axis; negative counts from the end.
    axis: i64 = 0,
    /// Whether parts of size 1 keep the axis, where no sizes are given.
    keepdims: bool = true,
});

/// The size of all parts, where it is one.
fn size(d: &Dim, split: &Fact) -> Dim {
    let varies = || Dim::sym(VARIES);
    match (split.as_ints(), d.as_const()) {
        (Some(v), Some(d)) if split.rank() == 0 && v[0] > 0 && d % v[0] == 0 => v[0].into(),
        (Some(v), _) if split.rank() == 1 && !v.is_empty() && v.iter().all(|s| *s == v[0]) => v[0].into(),
        _ => varies(),
    }
}

/// Sizes of the parts of an axis of size `d`.
fn parts(d: usize, split: Option<&Tensor>) -> Result<Vec<usize>> {
    let Some(split) = split else { return Ok(vec![1; d]) };
    let sizes = split.to_i64();
    if split.rank() == 0 {
        let Some(size) = usize::try_from(sizes[0]).ok().filter(|s| *s > 0) else {
            bail!("operand split is {}, expected 1 or more", sizes[0])
        };
        return Ok((0..d.div_ceil(size)).map(|k| size.min(d - k * size)).collect());
    }
    let ok = sizes.iter().all(|s| *s >= 0) && sizes.iter().sum::<i64>() == d as i64;
    ensure!(ok, "operand split is {sizes:?}, expected sizes that sum to {d}");
    Ok(sizes.into_iter().map(|s| s as usize).collect())
}

pub struct SplitToSequence;

impl Op for SplitToSequence {
    fn name(&self) -> &'static str {
        "SplitToSequence"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        SplitToSequenceAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(1, 2)
    }
    fn takes_forms(&self) -> bool {
        true
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let a = SplitToSequenceAttrs::read(c.attrs)?;
        let data = dense(need(x, 0, "input")?, "input")?;
        let on = axis(a.axis, data.rank())?;
        let mut part = data.type_only();
        match maybe(x, 1) {
            Some(split) => {
                let ok = split.form.is_dense() && matches!(split.dtype, DType::I64 | DType::I32) && split.rank() <= 1;
                ensure!(ok, "operand split is {split}, expected one integer or a list of them");
                part.shape[on] = size(&part.shape[on], split);
            }
            None if a.keepdims => part.shape[on] = 1.into(),
            None => drop(part.shape.remove(on)),
        }
        Ok(vec![Fact::sequence(data.dtype, Some(&part))])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let a = SplitToSequenceAttrs::read(c.attrs)?;
        let data = need(x, 0, "input")?;
        let on = axis(a.axis, data.rank())?;
        let (strides, mut begin, mut items) = (data.strides(), 0, vec![]);
        for size in parts(data.shape()[on], maybe(x, 1))? {
            let mut shape = data.shape().to_vec();
            shape[on] = size;
            let mut part = take(data, &shape, |idx| offset(&strides, idx) + begin * strides[on])?;
            if maybe(x, 1).is_none() && !a.keepdims {
                shape.remove(on);
                part = part.reshape(&shape)?;
            }
            items.push(part);
            begin += size;
        }
        Ok(vec![Tensor::sequence(data.dtype(), items)])
    }
    fn samples(&self) -> Vec<Sample> {
        let on = |a: i64| Attrs::new().with("axis", a);
        let x = sample_floats(&[3, 6], 1);
        vec![
            Sample::new(Attrs::new(), vec![x.clone()]),
            Sample::new(on(1).with("keepdims", false), vec![x.clone()]),
            Sample::new(on(1), vec![x.clone(), int(2)]),
            Sample::new(on(-1), vec![x.clone(), int(4)]),
            Sample::new(on(1), vec![x.clone(), ints(&[1, 0, 5])]),
            Sample::new(Attrs::new().with("keepdims", false), vec![x, ints(&[2, 1])]),
        ]
    }
}
