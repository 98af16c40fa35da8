//! `OptionalHasElement`: whether an optional is there. Anything else is.
//! <https://onnx.ai/onnx/operators/onnx__OptionalHasElement.html>

use super::common::elementwise::sample_floats;
use crate::lower::{Comp, Expr, Lowering};
use crate::op::{Strings, maybe};
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, ensure};

pub struct OptionalHasElement;

impl Op for OptionalHasElement {
    fn name(&self) -> &'static str {
        "OptionalHasElement"
    }
    fn operands(&self) -> Arity {
        Arity::range(0, 1)
    }
    fn takes_forms(&self) -> bool {
        true
    }
    fn strings(&self) -> Strings {
        Strings::Read
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        match maybe(x, 0) {
            Some(f) if f.form.is_optional() => Ok(vec![Fact::new(DType::Bool, [])]),
            f => Ok(vec![Tensor::scalar(DType::Bool, Num::from(f.is_some())).fact()]),
        }
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let there = maybe(x, 0).is_some_and(|t| !t.is_absent());
        Ok(vec![Tensor::scalar(DType::Bool, Num::from(there))])
    }
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let x = maybe(x, 0);
        // A sequence or an optional is written as tensors before.
        ensure!(x.is_none_or(|f| f.form.is_dense()), "operand 0 is no tensor, expected a tensor");
        Ok(Lowering::Comps(vec![Comp::new(&y[0], Expr::bool(x.is_some()))]))
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let x = [sample_floats(&[2], 1), Tensor::absent(DType::F32, false), Tensor::absent(DType::I64, true)];
        let none = Sample { x: vec![None], ..Sample::new(Attrs::new(), vec![]) };
        x.into_iter().map(|x| Sample::new(Attrs::new(), vec![x])).chain([none]).collect()
    }
}
