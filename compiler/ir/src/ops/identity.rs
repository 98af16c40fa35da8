//! `Identity`: `y = x`. <https://onnx.ai/onnx/operators/onnx__Identity.html>

use super::common::elementwise::sample_floats;
use crate::lower::Lowering;
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, Fact, Op, Result, Sample, Tensor};

pub struct Identity;

impl Op for Identity {
    fn name(&self) -> &'static str {
        "Identity"
    }
    fn takes_forms(&self) -> bool {
        true
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|_| true)
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        Ok(vec![need(x, 0, "input")?.clone()])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        Ok(vec![need(x, 0, "input")?.clone()])
    }
    fn lowering(&self, _: &Ctx, _: &[Option<&Fact>], _: &[Fact]) -> Result<Lowering> {
        Ok(Lowering::Alias)
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let x = [sample_floats(&[2, 3], 1), Tensor::i64(&[3], &[1, 2, 3]), sample_floats(&[], 1)];
        x.into_iter().map(|x| Sample::new(Attrs::new(), vec![x])).collect()
    }
}
