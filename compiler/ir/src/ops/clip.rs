//! `Clip`: `min(max(x, lo), hi)`; an omitted limit does not limit. <https://onnx.ai/onnx/operators/onnx__Clip.html>

use super::common::binary::number;
use super::common::convert::whole;
use super::common::elementwise::{self, sample_floats};
use super::common::unary::{check_type, is_number};
use crate::infer::same_dtype;
use crate::lower::{Comp, Expr, Lowering, Ty};
use crate::op::{maybe, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, ensure};

pub struct Clip;

/// The one element of a limit, as a number where it is known.
fn limit(i: usize, f: &Fact) -> Expr {
    let ty = Ty::of(f.dtype);
    match f.constant().map(|t| t.at(0)) {
        Some(Num::F(v)) => Expr::num(ty, v),
        Some(Num::I(v)) => whole(ty, v as i64),
        None => Expr::load(i, f, vec![Expr::int(0); f.rank()]),
    }
}

fn larger(a: Num, b: Num) -> Num {
    number(a, b, |a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }, i128::max)
}

fn smaller(a: Num, b: Num) -> Num {
    number(a, b, |a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }, i128::min)
}

impl Op for Clip {
    fn name(&self) -> &'static str {
        "Clip"
    }
    fn operands(&self) -> Arity {
        Arity::range(1, 3)
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let data = need(x, 0, "input")?;
        check_type(is_number, data.dtype)?;
        for f in [maybe(x, 1), maybe(x, 2)].into_iter().flatten() {
            same_dtype(&[data, f])?;
            ensure!(f.len().as_const().is_none_or(|n| n == 1), "operand min or max is {f}, expected one element");
        }
        Ok(vec![Fact::new(data.dtype, data.shape.clone())])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let data = need(x, 0, "input")?;
        let (lo, hi) = (maybe(x, 1).map(|t| t.at(0)), maybe(x, 2).map(|t| t.at(0)));
        let clip = |v: Num| {
            let v = lo.map_or(v, |lo| larger(v, lo));
            hi.map_or(v, |hi| smaller(v, hi))
        };
        Ok(vec![elementwise::eval(&[data], data.dtype(), |v| clip(v[0]))?])
    }
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let data = need(x, 0, "input")?;
        let mut v = Expr::load(0, data, Expr::vars(data.rank()));
        v = maybe(x, 1).map_or(v.clone(), |f| v.max(&limit(1, f)));
        v = maybe(x, 2).map_or(v.clone(), |f| v.min(&limit(2, f)));
        Ok(Lowering::Comps(vec![Comp::new(&y[0], v)]))
    }
    fn samples(&self) -> Vec<Sample> {
        let x = || Some(sample_floats(&[2, 5], 1));
        let f = |v: f32| Some(Tensor::f32(&[], &[v]));
        let i = |d: DType, v: &[f64]| Some(Tensor::floats(d, &[v.len()], v));
        let cases = [
            vec![x()],
            vec![x(), f(-1.0)],
            vec![x(), None, f(1.0)],
            vec![x(), f(0.0), f(6.0)],
            vec![x(), f(2.0), f(1.0)],
            vec![Some(Tensor::f32(&[2], &[f32::NAN, 3.0])), f(0.0), f(1.0)],
            vec![i(DType::I64, &[-5.0, 3.0, 9.0]), i(DType::I64, &[0.0]), i(DType::I64, &[4.0])],
            vec![i(DType::U8, &[0.0, 3.0, 200.0]), i(DType::U8, &[1.0]), i(DType::U8, &[100.0])],
            vec![i(DType::F16, &[0.5, 3.0, -2.0]), i(DType::F16, &[-0.5]), i(DType::F16, &[1.0])],
        ];
        cases.into_iter().map(|x| Sample { attrs: Attrs::new(), x, outputs: 1 }).collect()
    }
}
