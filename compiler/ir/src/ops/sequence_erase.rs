//! `SequenceErase`: a sequence without the tensor at a position, or without the last.
//! <https://onnx.ai/onnx/operators/onnx__SequenceErase.html>

use super::common::sequence::{int, position, position_fact, samples, sequence};
use crate::op::{Strings, maybe, need};
use crate::{Arity, Attrs, Ctx, Fact, Op, Result, Sample, Tensor, ensure};

pub struct SequenceErase;

impl Op for SequenceErase {
    fn name(&self) -> &'static str {
        "SequenceErase"
    }
    fn operands(&self) -> Arity {
        Arity::range(1, 2)
    }
    fn takes_forms(&self) -> bool {
        true
    }
    fn strings(&self) -> Strings {
        Strings::Read
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        position_fact(maybe(x, 1))?;
        Ok(vec![sequence(need(x, 0, "input_sequence")?)?.clone()])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let seq = need(x, 0, "input_sequence")?;
        let mut items = seq.as_sequence()?.to_vec();
        ensure!(!items.is_empty(), "the sequence is empty, expected a tensor to erase");
        let at = position(maybe(x, 1), items.len(), false, items.len() - 1)?;
        items.remove(at);
        Ok(vec![Tensor::sequence(seq.dtype(), items)])
    }
    fn samples(&self) -> Vec<Sample> {
        let last = samples().into_iter().map(|s| Sample::new(Attrs::new(), vec![s]));
        let at = |p: i64| samples().into_iter().map(move |s| Sample::new(Attrs::new(), vec![s, int(p)]));
        last.chain(at(0)).chain(at(-2)).collect()
    }
}
