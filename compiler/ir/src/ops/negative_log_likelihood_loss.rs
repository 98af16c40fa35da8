//! `NegativeLogLikelihoodLoss`: `-weight[label] * x[batch, label, ..]`, reduced.
//! <https://onnx.ai/onnx/operators/onnx__NegativeLogLikelihoodLoss.html>

use super::common::nll::{self, LossAttrs};
use crate::lower::Lowering;
use crate::op::{maybe, need};
use crate::{Arity, Ctx, Fact, Op, Result, Sample, Tensor};

pub struct NegativeLogLikelihoodLoss;

impl Op for NegativeLogLikelihoodLoss {
    fn name(&self) -> &'static str {
        "NegativeLogLikelihoodLoss"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        LossAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(2, 3)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        Ok(vec![nll::infer(&LossAttrs::read(c.attrs)?, x)?])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (data, labels) = (need(x, 0, "input")?, need(x, 1, "target")?);
        Ok(vec![nll::eval(&LossAttrs::read(c.attrs)?, data, &data.to_f64(), labels, maybe(x, 2))?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        nll::lowering(&LossAttrs::read(c.attrs)?, x, &y[0])
    }
    fn samples(&self) -> Vec<Sample> {
        nll::samples()
    }
}
