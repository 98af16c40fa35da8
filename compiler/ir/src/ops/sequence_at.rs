//! `SequenceAt`: the tensor at a position of a sequence.
//! <https://onnx.ai/onnx/operators/onnx__SequenceAt.html>

use super::common::sequence::{int, position, position_fact, samples, sequence};
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, Fact, Op, Result, Sample, Tensor};

pub struct SequenceAt;

impl Op for SequenceAt {
    fn name(&self) -> &'static str {
        "SequenceAt"
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn takes_forms(&self) -> bool {
        true
    }
    fn strings(&self) -> Strings {
        Strings::Read
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        position_fact(Some(need(x, 1, "position")?))?;
        Ok(vec![sequence(need(x, 0, "input_sequence")?)?.element(c)?])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let items = need(x, 0, "input_sequence")?.as_sequence()?;
        let at = position(Some(need(x, 1, "position")?), items.len(), false, 0)?;
        Ok(vec![items[at].clone()])
    }
    fn samples(&self) -> Vec<Sample> {
        let at = |p: i64| move |s: Tensor| Sample::new(Attrs::new(), vec![s, int(p)]);
        samples().into_iter().map(at(1)).chain(samples().into_iter().map(at(-1))).collect()
    }
}
