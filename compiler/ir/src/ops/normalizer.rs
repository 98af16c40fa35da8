//! `Normalizer`: every row divided by its norm; a row of norm 0 stays.
//! <https://onnx.ai/onnx/operators/onnx_aionnxml_Normalizer.html>
//!
//! `MAX` divides by the largest element, sign included, as ONNX Runtime does.

use super::common::elementwise::sample_floats;
use super::common::expansion::Expansion;
use super::common::trees::rows;
use crate::lower::Lowering;
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(NormalizerAttrs {
    /// `MAX`, `L1` (sum of magnitudes) or `L2` (root of the sum of squares).
    norm: String = "MAX".into(),
});

pub struct Normalizer;

fn norm(c: &Ctx) -> Result<String> {
    let norm = NormalizerAttrs::read(c.attrs)?.norm;
    ensure!(["MAX", "L1", "L2"].contains(&norm.as_str()), "norm is {norm:?}, expected MAX, L1 or L2");
    Ok(norm)
}

impl Op for Normalizer {
    fn name(&self) -> &'static str {
        "Normalizer"
    }
    fn domain(&self) -> &'static str {
        "ai.onnx.ml"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        NormalizerAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        norm(c)?;
        let x = need(x, 0, "X")?;
        ensure!(
            (1..=2).contains(&x.rank()) && x.dtype != DType::Bool,
            "operand X is {x}, expected numbers [C] or [N,C]"
        );
        Ok(vec![Fact::new(DType::F32, x.shape.iter().cloned())])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (x, norm) = (need(x, 0, "X")?, norm(c)?);
        let width = x.shape().last().copied().unwrap_or(1);
        let one = |row: &[f64]| -> Vec<f64> {
            let by = match norm.as_str() {
                "MAX" => row.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                "L1" => row.iter().map(|v| v.abs()).sum(),
                _ => row.iter().map(|v| v * v).sum::<f64>().sqrt(),
            };
            row.iter().map(|v| if by == 0.0 { *v } else { v / by }).collect()
        };
        let y = rows(DType::F32, x.to_f64().chunks(width.max(1)).map(one).collect(), width);
        Ok(vec![y.reshape(x.shape())?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], _: &[Fact]) -> Result<Lowering> {
        let mut e = Expansion::of(x);
        let v = e.x(0)?;
        let v = e.cast(v, DType::F32)?;
        let by = match norm(c)?.as_str() {
            "MAX" => e.reduce("ReduceMax", v, &[-1])?,
            "L1" => e.reduce("ReduceL1", v, &[-1])?,
            _ => e.reduce("ReduceL2", v, &[-1])?,
        };
        let (zero, one) = (e.scalar(DType::F32, 0.0), e.scalar(DType::F32, 1.0));
        let none = e.op("Equal", &[by, zero])?;
        let by = e.op("Where", &[none, one, by])?;
        let y = e.op("Div", &[v, by])?;
        Ok(e.done(&[y]))
    }
    fn samples(&self) -> Vec<Sample> {
        let a = |n: &str| Attrs::new().with("norm", n);
        let x = sample_floats(&[3, 4], 1);
        vec![
            Sample::new(a("MAX"), vec![x.clone()]),
            Sample::new(a("L1"), vec![x.clone()]),
            Sample::new(a("L2"), vec![x.cast(DType::F64)]),
            Sample::new(a("L1"), vec![Tensor::i64(&[3], &[-1, 2, 5])]),
            Sample::new(a("L2"), vec![Tensor::f32(&[2, 2], &[0.0, 0.0, 3.0, 4.0])]),
        ]
    }
}
