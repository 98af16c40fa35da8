//! `Imputer`: one value, or NaN, replaced by a value for each feature.
//! <https://onnx.ai/onnx/operators/onnx_aionnxml_Imputer.html>

use super::common::expansion::Expansion;
use crate::lower::Lowering;
use crate::op::need;
use crate::{Arity, Attrs, Ctx, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(ImputerAttrs {
    /// What replaces, for floats: one for each feature, or one for all.
    imputed_value_floats: Vec<f32> = vec![],
    /// What replaces, for integers.
    imputed_value_int64s: Vec<i64> = vec![],
    /// What is replaced, for floats.
    replaced_value_float: f32 = 0.0,
    /// What is replaced, for integers.
    replaced_value_int64: i64 = 0,
});

pub struct Imputer;

/// What is replaced, and by what, in the type of the operand.
fn values(c: &Ctx, x: &Fact) -> Result<(Num, Tensor)> {
    let a = ImputerAttrs::read(c.attrs)?;
    let (old, new) = match x.dtype.is_float() {
        true => (
            Num::F(a.replaced_value_float as f64),
            Tensor::f32(&[a.imputed_value_floats.len()], &a.imputed_value_floats),
        ),
        false => (
            Num::I(a.replaced_value_int64 as i128),
            Tensor::i64(&[a.imputed_value_int64s.len()], &a.imputed_value_int64s),
        ),
    };
    ensure!(x.rank() > 0, "operand X is {x}, expected an axis of features");
    let (n, features) = (new.len(), x.shape[x.rank() - 1].as_const());
    let fits = n == 1 || (n > 0 && features.is_none_or(|f| f == n as i64));
    ensure!(
        fits,
        "attribute of imputed values has {n} numbers, expected 1 or one for each column of operand X, which is {x}"
    );
    Ok((old, new.cast(x.dtype)))
}

impl Op for Imputer {
    fn name(&self) -> &'static str {
        "Imputer"
    }
    fn domain(&self) -> &'static str {
        "ai.onnx.ml"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        ImputerAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = need(x, 0, "X")?;
        values(c, x)?;
        Ok(vec![x.type_only()])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "X")?;
        let (old, new) = values(c, &x.type_fact())?;
        let is_old = |v: Num| v == old || (v.f().is_nan() && old.f().is_nan());
        let one = |(i, v): (usize, Num)| if is_old(v) { new.at(i % new.len()) } else { v };
        Ok(vec![Tensor::new(x.dtype(), x.shape(), x.iter().enumerate().map(one))])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], _: &[Fact]) -> Result<Lowering> {
        let (old, new) = values(c, need(x, 0, "X")?)?;
        let mut e = Expansion::of(x);
        let v = e.x(0)?;
        let is_old = match old.f().is_nan() {
            true => e.op("IsNaN", &[v])?,
            false => {
                let old = e.constant(Tensor::scalar(new.dtype(), old));
                e.op("Equal", &[v, old])?
            }
        };
        let new = e.constant(new);
        let y = e.op("Where", &[is_old, new, v])?;
        Ok(e.done(&[y]))
    }
    fn samples(&self) -> Vec<Sample> {
        let x = Tensor::f32(&[2, 3], &[1.0, f32::NAN, 3.0, f32::NAN, 5.0, 1.0]);
        let f = |old: f32, new: &[f32]| {
            Attrs::new().with("replaced_value_float", old).with("imputed_value_floats", new.to_vec())
        };
        let ints = Attrs::new().with("replaced_value_int64", 2i64).with("imputed_value_int64s", vec![7i64, 8]);
        vec![
            Sample::new(f(f32::NAN, &[0.5]), vec![x.clone()]),
            Sample::new(f(1.0, &[0.5, 1.5, 2.5]), vec![x]),
            Sample::new(ints, vec![Tensor::i64(&[2, 2], &[2, 2, 3, 2])]),
        ]
    }
}
