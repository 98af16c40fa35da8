//! `Add`: element-wise sum with broadcasting. <https://onnx.ai/onnx/operators/onnx__Add.html>

use super::common::elementwise::{self, all, sample_floats};
use crate::infer::same_dtype;
use crate::lower::{self, Lowering};
use crate::{Arity, Attrs, Ctx, Fact, Num, Op, Result, Sample, Tensor};

pub struct Add;

impl Op for Add {
    fn name(&self) -> &'static str {
        "Add"
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = all(x)?;
        same_dtype(&x)?;
        Ok(vec![elementwise::infer_known(&x, x[0].dtype, |a, b| Some(a.clone() + b.clone()))?])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = all(x)?;
        let add = |v: &[Num]| match (v[0], v[1]) {
            (Num::I(a), Num::I(b)) => Num::I(a + b),
            (a, b) => Num::F(a.f() + b.f()),
        };
        Ok(vec![elementwise::eval(&x, x[0].dtype(), add)?])
    }
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        Ok(lower::map(&y[0], &all(x)?, |v| v[0].add(&v[1])))
    }
    fn samples(&self) -> Vec<Sample> {
        vec![
            Sample::new(Attrs::new(), vec![sample_floats(&[2, 3], 1), sample_floats(&[2, 3], 2)]),
            Sample::new(Attrs::new(), vec![sample_floats(&[2, 1, 3], 1), sample_floats(&[4, 1], 2)]),
            Sample::new(Attrs::new(), vec![Tensor::i64(&[3], &[1, 2, 3]), Tensor::i64(&[1], &[5])]),
        ]
    }
}
