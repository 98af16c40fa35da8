//! `SequenceLength`: the number of tensors in a sequence.
//! <https://onnx.ai/onnx/operators/onnx__SequenceLength.html>

use super::common::sequence::{int, samples, sequence};
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor};

pub struct SequenceLength;

impl Op for SequenceLength {
    fn name(&self) -> &'static str {
        "SequenceLength"
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn takes_forms(&self) -> bool {
        true
    }
    fn strings(&self) -> Strings {
        Strings::Read
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        sequence(need(x, 0, "input_sequence")?)?;
        Ok(vec![Fact::new(DType::I64, [])])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        Ok(vec![int(need(x, 0, "input_sequence")?.as_sequence()?.len() as i64)])
    }
    fn samples(&self) -> Vec<Sample> {
        let empty = Tensor::sequence(DType::I64, vec![]);
        samples().into_iter().chain([empty]).map(|s| Sample::new(Attrs::new(), vec![s])).collect()
    }
}
