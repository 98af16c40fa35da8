//! `SequenceInsert`: a sequence with one more tensor, before the one at a position or at the end.
//! <https://onnx.ai/onnx/operators/onnx__SequenceInsert.html>

use super::common::elementwise::sample_floats;
use super::common::sequence::{dense, int, position, position_fact, samples, sequence};
use crate::op::{Strings, maybe, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor};

pub struct SequenceInsert;

impl Op for SequenceInsert {
    fn name(&self) -> &'static str {
        "SequenceInsert"
    }
    fn operands(&self) -> Arity {
        Arity::range(2, 3)
    }
    fn takes_forms(&self) -> bool {
        true
    }
    fn strings(&self) -> Strings {
        Strings::Read
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        position_fact(maybe(x, 2))?;
        let (seq, t) = (sequence(need(x, 0, "input_sequence")?)?, dense(need(x, 1, "tensor")?, "tensor")?);
        Ok(vec![seq.including(t)?])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (seq, t) = (need(x, 0, "input_sequence")?, need(x, 1, "tensor")?);
        let mut items = seq.as_sequence()?.to_vec();
        let at = position(maybe(x, 2), items.len(), true, items.len())?;
        items.insert(at, t.clone());
        Ok(vec![Tensor::sequence(t.dtype(), items)])
    }
    fn samples(&self) -> Vec<Sample> {
        let t = sample_floats(&[2, 3], 7);
        let empty = Tensor::sequence(DType::F32, vec![]);
        let (a, b) = (samples().remove(0), samples().remove(1));
        let all = [
            vec![empty, t.clone()],
            vec![a.clone(), t.clone()],
            vec![a.clone(), t.clone(), int(3)],
            vec![b, t.clone(), int(-2)],
            vec![a, sample_floats(&[4], 7), int(0)],
        ];
        all.into_iter().map(|x| Sample::new(Attrs::new(), x)).collect()
    }
}
