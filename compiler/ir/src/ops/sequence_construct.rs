//! `SequenceConstruct`: a sequence of the operands.
//! <https://onnx.ai/onnx/operators/onnx__SequenceConstruct.html>

use super::common::elementwise::{all, sample_floats};
use super::common::sequence::dense;
use crate::infer::same_dtype;
use crate::op::Strings;
use crate::{Arity, Attrs, Ctx, Fact, Op, Result, Sample, Tensor, bail};

pub struct SequenceConstruct;

impl Op for SequenceConstruct {
    fn name(&self) -> &'static str {
        "SequenceConstruct"
    }
    fn operands(&self) -> Arity {
        Arity::at_least(1)
    }
    fn takes_forms(&self) -> bool {
        true
    }
    fn strings(&self) -> Strings {
        Strings::Read
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = all(x)?;
        same_dtype(&x)?;
        let Some(first) = x.first() else { bail!("no operand, expected 1 or more") };
        let add = |s: Fact, f: &&Fact| s.including(dense(f, "inputs")?);
        Ok(vec![x.iter().try_fold(Fact::sequence(first.dtype, None), add)?])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let items: Vec<Tensor> = all(x)?.into_iter().cloned().collect();
        let Some(first) = items.first() else { bail!("no operand, expected 1 or more") };
        Ok(vec![Tensor::sequence(first.dtype(), items)])
    }
    fn samples(&self) -> Vec<Sample> {
        let of = |shapes: &[&[usize]]| shapes.iter().map(|s| sample_floats(s, 1)).collect();
        let all = [of(&[&[2, 3]]), of(&[&[2, 3], &[2, 3]]), of(&[&[2, 3], &[2, 4], &[2, 3]]), of(&[&[2], &[2, 3]])];
        all.into_iter().map(|x| Sample::new(Attrs::new(), x)).collect()
    }
}
