//! `Binarizer`: 1 above a threshold, else 0. <https://onnx.ai/onnx/operators/onnx_aionnxml_Binarizer.html>

use super::common::elementwise::{self, sample_floats};
use crate::lower::{self, Lowering};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, Fact, Num, Op, Result, Sample, Tensor, attrs};

attrs!(BinarizerAttrs {
    /// The threshold.
    threshold: f32 = 0.0,
});

pub struct Binarizer;

impl Op for Binarizer {
    fn name(&self) -> &'static str {
        "Binarizer"
    }
    fn domain(&self) -> &'static str {
        "ai.onnx.ml"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        BinarizerAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        Ok(vec![need(x, 0, "X")?.type_only()])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (x, t) = (need(x, 0, "X")?, BinarizerAttrs::read(c.attrs)?.threshold as f64);
        Ok(vec![elementwise::eval(&[x], x.dtype(), |v| Num::from(v[0].f() > t))?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let t = BinarizerAttrs::read(c.attrs)?.threshold as f64;
        // An integer is above t when it is above the integer below t.
        let t = if y[0].dtype.is_float() { t } else { t.floor() };
        Ok(lower::map(&y[0], &[need(x, 0, "X")?], |v| v[0].gt(&v[0].like(t)).select(&v[0].like(1.0), &v[0].like(0.0))))
    }
    fn samples(&self) -> Vec<Sample> {
        let a = |t: f32| Attrs::new().with("threshold", t);
        let ints = Tensor::i64(&[4], &[-1, 0, 1, 2]);
        vec![
            Sample::new(a(0.5), vec![sample_floats(&[2, 3], 1)]),
            Sample::new(a(0.5), vec![ints.clone()]),
            Sample::new(a(-0.5), vec![ints]),
        ]
    }
}
