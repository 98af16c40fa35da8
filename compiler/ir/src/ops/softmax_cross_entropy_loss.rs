//! `SoftmaxCrossEntropyLoss`: negative log likelihood of the labels after a softmax over the classes (axis 1).
//! <https://onnx.ai/onnx/operators/onnx__SoftmaxCrossEntropyLoss.html>

use super::common::expansion::{Expansion, wide};
use super::common::nll::{self, LossAttrs};
use super::common::normalize::tensor;
use super::common::reduction::for_each_group;
use super::log_softmax::log_softmax;
use crate::lower::Lowering;
use crate::op::{maybe, need};
use crate::{Arity, Attrs, Ctx, Fact, Op, Result, Sample, Tensor};

pub struct SoftmaxCrossEntropyLoss;

/// Log probabilities of scores.
fn log_probabilities(x: &Tensor) -> Vec<f64> {
    let mut out = x.to_f64();
    for_each_group(x.shape(), &[1], |at| {
        let line: Vec<f64> = at.iter().map(|i| out[*i]).collect();
        for (i, v) in at.iter().zip(log_softmax(&line)) {
            out[*i] = v;
        }
    });
    out
}

impl Op for SoftmaxCrossEntropyLoss {
    fn name(&self) -> &'static str {
        "SoftmaxCrossEntropyLoss"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        LossAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(2, 3)
    }
    fn results(&self) -> Arity {
        Arity::range(1, 2)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let scores = need(x, 0, "scores")?;
        let loss = nll::infer(&LossAttrs::read(c.attrs)?, x)?;
        Ok([loss, Fact::new(scores.dtype, scores.shape.clone())].into_iter().take(c.outputs).collect())
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (scores, labels) = (need(x, 0, "scores")?, need(x, 1, "labels")?);
        let log = log_probabilities(scores);
        let loss = nll::eval(&LossAttrs::read(c.attrs)?, scores, &log, labels, maybe(x, 2))?;
        Ok([loss, tensor(scores.dtype(), scores.shape(), log)].into_iter().take(c.outputs).collect())
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let mut e = Expansion::of(x);
        let (scores, work) = (e.x(0)?, wide(y[0].dtype));
        let scores = e.cast(scores, work)?;
        let log = e.with("LogSoftmax", Attrs::new().with("axis", 1i64), &[scores])?;
        let weights = match e.operand(2) {
            Some(w) => Some(e.cast(w, work)?),
            None => None,
        };
        let labels = e.x(1)?;
        let operands = [Some(log), Some(labels), weights];
        let loss = e.many("NegativeLogLikelihoodLoss", c.attrs.clone(), &operands, 1)?[0];
        let out = [e.cast(loss, y[0].dtype)?, e.cast(log, y[0].dtype)?];
        Ok(e.done(&out[..y.len()]))
    }
    fn samples(&self) -> Vec<Sample> {
        let list = nll::samples();
        list.into_iter().enumerate().map(|(i, s)| Sample { outputs: 1 + i % 2, ..s }).collect()
    }
}
