//! `Pow`: element-wise `a^b` with broadcasting, in the type of `a`. <https://onnx.ai/onnx/operators/onnx__Pow.html>

use super::common::convert::convert;
use super::common::elementwise::{self, all, sample_floats};
use super::common::unary::{check_type, is_number};
use crate::lower::{self, Expr, Lowering, Ty, Un};
use crate::tensor::cast;
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor};

pub struct Pow;

/// The exponent, if it is one known number.
fn exponent(b: &Fact) -> Option<f64> {
    let t = b.constant()?;
    let first = (!t.is_empty()).then(|| t.at(0).f())?;
    t.iter().all(|v| v.f() == first).then_some(first)
}

/// Small powers as products, which are exact where those are; a square root instead of the power 0.5.
fn power(a: &Expr, known: Option<f64>) -> Option<Expr> {
    match known? {
        1.0 => Some(a.clone()),
        2.0 => Some(a.mul(a)),
        3.0 => Some(a.mul(a).mul(a)),
        0.5 if a.ty().is_float() => Some(a.un(Un::Sqrt)),
        -1.0 if a.ty().is_float() => Some(a.like(1.0).div(a)),
        _ => None,
    }
}

fn general(a: &Expr, b: &Expr) -> Expr {
    let ty = if a.ty() == Ty::F32 { Ty::F32 } else { Ty::F64 };
    a.cast(ty).pow(&b.cast(ty))
}

impl Op for Pow {
    fn name(&self) -> &'static str {
        "Pow"
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = all(x)?;
        check_type(is_number, x[0].dtype)?;
        check_type(is_number, x[1].dtype)?;
        Ok(vec![elementwise::infer(&x, x[0].dtype)?])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = all(x)?;
        let dtype = x[0].dtype();
        Ok(vec![elementwise::eval(&x, dtype, |v| cast(Num::F(v[0].f().powf(v[1].f())), dtype))?])
    }
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let x = all(x)?;
        let known = exponent(x[1]);
        let f = |v: &[Expr]| power(&v[0], known).unwrap_or_else(|| general(&v[0], &v[1]));
        Ok(lower::map(&y[0], &x, |v| convert(&f(v), y[0].dtype)))
    }
    fn samples(&self) -> Vec<Sample> {
        let ints = |v: &[i64]| Tensor::i64(&[v.len()], v);
        let by = |v: &[i64]| vec![sample_floats(&[2, 3], 1), ints(v)];
        let positive = |d| Tensor::f32(&[3], &[0.5, 1.5, 4.0]).cast(d);
        let mut cases: Vec<Vec<Tensor>> = [1, 2, 3, -1, 4].iter().map(|e| by(&[*e])).collect();
        cases.push(by(&[0, 1, 2]));
        cases.push(vec![positive(DType::F32), Tensor::f32(&[], &[0.5])]);
        cases.push(vec![positive(DType::F64), sample_floats(&[2, 1], 2)]);
        cases.push(vec![positive(DType::F16), sample_floats(&[3], 2).cast(DType::F16)]);
        cases.push(vec![ints(&[2, -3, 4]), ints(&[2, 3, 0])]);
        cases.push(vec![ints(&[2, -3, 4]), Tensor::i64(&[], &[2])]);
        cases.push(vec![ints(&[4, 9]), Tensor::f32(&[], &[0.5])]);
        cases.push(vec![ints(&[4, 9]).cast(DType::I32), sample_floats(&[2], 2)]);
        cases.into_iter().map(|x| Sample::new(Attrs::new(), x)).collect()
    }
}
