//! `OptionalGetElement`: what an optional holds; refused where it holds nothing. Anything else is itself.
//! <https://onnx.ai/onnx/operators/onnx__OptionalGetElement.html>

use super::common::elementwise::sample_floats;
use super::common::sequence::samples;
use crate::lower::Lowering;
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, Fact, Op, Result, Sample, Tensor, ensure};

pub struct OptionalGetElement;

impl Op for OptionalGetElement {
    fn name(&self) -> &'static str {
        "OptionalGetElement"
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
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        Ok(vec![need(x, 0, "input")?.content(c)?])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "input")?;
        ensure!(!x.is_absent(), "the optional holds nothing");
        Ok(vec![x.clone()])
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], _: &[Fact]) -> Result<Lowering> {
        let x = need(x, 0, "input")?;
        ensure!(x.form.is_dense(), "operand 0 is {x}, expected a tensor");
        Ok(Lowering::Alias)
    }
    fn samples(&self) -> Vec<Sample> {
        let x = [sample_floats(&[2, 3], 1), samples().remove(0)];
        x.into_iter().map(|x| Sample::new(Attrs::new(), vec![x])).collect()
    }
}
