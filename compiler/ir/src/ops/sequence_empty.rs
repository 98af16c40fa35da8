//! `SequenceEmpty`: a sequence without tensors.
//! <https://onnx.ai/onnx/operators/onnx__SequenceEmpty.html>

use crate::op::Strings;
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor, attrs};

attrs!(SequenceEmptyAttrs {
    /// Element type of the tensors that it may get.
    dtype: DType = DType::F32,
});

pub struct SequenceEmpty;

impl Op for SequenceEmpty {
    fn name(&self) -> &'static str {
        "SequenceEmpty"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        SequenceEmptyAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(0)
    }
    fn takes_forms(&self) -> bool {
        true
    }
    fn strings(&self) -> Strings {
        Strings::Read
    }
    fn infer(&self, c: &Ctx, _: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        Ok(vec![Fact::sequence(SequenceEmptyAttrs::read(c.attrs)?.dtype, None)])
    }
    fn eval(&self, c: &Ctx, _: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        Ok(vec![Tensor::sequence(SequenceEmptyAttrs::read(c.attrs)?.dtype, vec![])])
    }
    fn samples(&self) -> Vec<Sample> {
        let all = [Attrs::new(), Attrs::new().with("dtype", DType::I64)];
        all.into_iter().map(|a| Sample::new(a, vec![])).collect()
    }
}
