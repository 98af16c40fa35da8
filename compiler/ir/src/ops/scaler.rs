//! `Scaler`: `y = (x - offset) * scale`, one of each for all features or one per feature (the last axis).
//! <https://onnx.ai/onnx/operators/onnx_aionnxml_Scaler.html>

use super::common::elementwise::sample_floats;
use crate::lower::{Comp, Expr, Lowering, Ty};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(ScalerAttrs {
    /// Taken off first: one number, or one per feature.
    offset: Vec<f32> = vec![],
    /// Multiplied with: one number, or one per feature.
    scale: Vec<f32> = vec![],
});

pub struct Scaler;

/// The entry for feature `i`.
fn pick(v: &[f32], i: usize) -> f32 {
    v[if v.len() == 1 { 0 } else { i }]
}

fn check(v: &[f32], what: &str, x: &Fact) -> Result<()> {
    ensure!(x.rank() > 0, "operand X is {x}, expected an axis of features");
    let features = x.shape[x.rank() - 1].as_const();
    let fits = v.len() == 1 || features.is_none_or(|f| v.len() as i64 == f);
    ensure!(fits && !v.is_empty(), "attribute {what} has {} numbers, expected 1 or one per feature of {x}", v.len());
    Ok(())
}

impl Op for Scaler {
    fn name(&self) -> &'static str {
        "Scaler"
    }
    fn domain(&self) -> &'static str {
        "ai.onnx.ml"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        ScalerAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (x, a) = (need(x, 0, "X")?, ScalerAttrs::read(c.attrs)?);
        check(&a.offset, "offset", x)?;
        check(&a.scale, "scale", x)?;
        Ok(vec![Fact::new(DType::F32, x.shape.clone())])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (x, a) = (need(x, 0, "X")?, ScalerAttrs::read(c.attrs)?);
        let features = x.shape()[x.rank() - 1];
        let one = |(i, v): (usize, Num)| {
            let f = i % features;
            Num::F((v.f() - pick(&a.offset, f) as f64) * pick(&a.scale, f) as f64)
        };
        Ok(vec![Tensor::new(DType::F32, x.shape(), x.iter().enumerate().map(one))])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (x, a) = (need(x, 0, "X")?, ScalerAttrs::read(c.attrs)?);
        let feature = Expr::var(x.rank() as u32 - 1);
        let entry = |v: &[f32]| {
            let number = |f: usize| Expr::num(Ty::F32, v[f] as f64);
            (1..v.len()).fold(number(0), |rest, f| feature.eq(&Expr::int(f as i64)).select(&number(f), &rest))
        };
        let v = Expr::load(0, x, Expr::vars(x.rank())).cast(Ty::F32);
        Ok(Lowering::Comps(vec![Comp::new(&y[0], v.sub(&entry(&a.offset)).mul(&entry(&a.scale)))]))
    }
    fn samples(&self) -> Vec<Sample> {
        let a =
            |offset: &[f32], scale: &[f32]| Attrs::new().with("offset", offset.to_vec()).with("scale", scale.to_vec());
        vec![
            Sample::new(a(&[0.5], &[2.0]), vec![sample_floats(&[2, 3], 1)]),
            Sample::new(a(&[0.5, -1.0, 0.0], &[2.0]), vec![sample_floats(&[4, 3], 1)]),
            Sample::new(a(&[1.0], &[0.25, 4.0]), vec![Tensor::i64(&[2, 2], &[1, 2, 3, 4])]),
        ]
    }
}
