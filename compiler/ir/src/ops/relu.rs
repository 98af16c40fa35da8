//! `Relu`: `y = max(x, 0)`. <https://onnx.ai/onnx/operators/onnx__Relu.html>

use super::common::elementwise::{self, sample_floats};
use crate::lower::{self, Lowering};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, Fact, Num, Op, Result, Sample, Tensor};

pub struct Relu;

impl Op for Relu {
    fn name(&self) -> &'static str {
        "Relu"
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        Ok(vec![need(x, 0, "X")?.type_only()])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "X")?;
        let relu = |v: Num| match v {
            Num::F(v) => Num::F(if v < 0.0 { 0.0 } else { v }),
            Num::I(v) => Num::I(v.max(0)),
        };
        Ok(vec![elementwise::eval(&[x], x.dtype(), |v| relu(v[0]))?])
    }
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        Ok(lower::map(&y[0], &[need(x, 0, "X")?], |v| v[0].max(&v[0].like(0.0))))
    }
    fn samples(&self) -> Vec<Sample> {
        vec![
            Sample::new(Attrs::new(), vec![sample_floats(&[2, 3], 1)]),
            Sample::new(Attrs::new(), vec![Tensor::i64(&[3], &[-1, 0, 2])]),
        ]
    }
}
