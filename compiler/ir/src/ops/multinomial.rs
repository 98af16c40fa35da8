//! `Multinomial`: for each row of unnormalized log-probabilities, classes drawn with those probabilities.
//! <https://onnx.ai/onnx/operators/onnx__Multinomial.html>
//!
//! A draw is the first class whose cumulative weight `exp(x - max)` exceeds a uniform part of all the weight.

use super::common::philox;
use super::common::random::{fraction, fraction_expr, key};
use super::common::unary::check_type;
use crate::lower::{Expr, Lowering, Monoid, Proc, Ty, Un, for_, if_, set, store};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(MultinomialAttrs {
    /// Type of the result: i32 or i64.
    dtype: DType = DType::I32,
    /// Number of draws of each row.
    sample_size: i64 = 1,
    /// Seed; absent is 0.
    seed: Option<f32>,
});

pub struct Multinomial;

/// Digits of the numbers drawn.
const DIGITS: u32 = 53;

impl Op for Multinomial {
    fn name(&self) -> &'static str {
        "Multinomial"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        MultinomialAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (x, a) = (need(x, 0, "input")?, MultinomialAttrs::read(c.attrs)?);
        check_type(DType::is_float, x.dtype)?;
        ensure!(x.rank() == 2 && !x.shape[1].is_zero(), "operand input is {x}, expected a matrix with columns");
        ensure!(a.sample_size >= 0, "sample_size is {}, expected 0 or more", a.sample_size);
        ensure!(matches!(a.dtype, DType::I32 | DType::I64), "dtype is {}, expected i32 or i64", a.dtype);
        Ok(vec![Fact::new(a.dtype, [x.shape[0].clone(), a.sample_size.into()])])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (x, a, key) = (need(x, 0, "input")?, MultinomialAttrs::read(c.attrs)?, key(c.attrs)?);
        let (rows, classes, n) = (x.shape()[0], x.shape()[1], a.sample_size as usize);
        let data = x.to_f64();
        let mut out = vec![];
        for r in 0..rows {
            let row = &data[r * classes..(r + 1) * classes];
            let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let weights: Vec<f64> = row.iter().map(|v| (v - max).exp()).collect();
            let total: f64 = weights.iter().sum();
            for s in 0..n {
                let [a, b, ..] = philox::at((r * n + s) as u64, key);
                let part = fraction([a, b], DIGITS) * total;
                let mut sum = 0.0;
                let beyond = |w: &f64| {
                    sum += w;
                    sum > part
                };
                let class = weights.iter().position(beyond).unwrap_or(classes - 1);
                out.push(Num::I(class as i128));
            }
        }
        Ok(vec![Tensor::new(a.dtype, &[rows, n], out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (x, key) = (need(x, 0, "input")?, key(c.attrs)?);
        let (row, draw, class) = (Expr::var(0), Expr::var(1), Expr::var(2));
        let load = |k: Expr| Expr::load(0, x, vec![row.clone(), k]).cast(Ty::F64);
        let f64_reg = |r: u32| Expr::reg(r, Ty::F64);
        let (max, total, sum, part) = (f64_reg(0), f64_reg(1), f64_reg(2), f64_reg(3));
        let found = Expr::reg(4, Ty::I64);
        let (classes, last) = (&x.shape[1], Expr::size(&(x.shape[1].clone() - 1.into())));
        let weight = |k: Expr| load(k).sub(&max).un(Un::Exp);
        let [a, b, ..] = philox::at_expr(&row.mul(&Expr::size(&y[0].shape[1])).add(&draw), key);
        let seek = vec![
            set(2, sum.add(&weight(class.clone()))),
            if_(sum.gt(&part).and(&found.lt(&Expr::int(0))), vec![set(4, class.clone())]),
        ];
        let pick = found.lt(&Expr::int(0)).select(&last, &found);
        let one = vec![
            set(3, fraction_expr([&a, &b], DIGITS).mul(&total)),
            set(2, sum.like(0.0)),
            set(4, Expr::int(-1)),
            for_(2, classes, seek),
            store(0, &y[0], vec![row.clone(), draw.clone()], pick.cast(Ty::of(y[0].dtype))),
        ];
        let over = vec![(3, classes.clone())];
        let body = vec![
            set(0, Expr::reduce(Monoid::Max, over.clone(), load(Expr::var(3)))),
            set(1, Expr::reduce(Monoid::Sum, over, weight(Expr::var(3)))),
            for_(1, &y[0].shape[1], one),
        ];
        Ok(Lowering::Proc(Proc { scratch: vec![], parallel: Some((0, x.shape[0].clone())), body }))
    }
    fn samples(&self) -> Vec<Sample> {
        let x = Tensor::f32(&[2, 3], &[0.0, 1.0, -1.0, 2.0, -9.0, 2.0]);
        let n = |n: i64| Attrs::new().with("sample_size", n);
        let wide = n(5).with("dtype", DType::I64).with("seed", 4.0f32);
        vec![
            Sample::new(Attrs::new(), vec![x.cast(DType::F64)]),
            Sample::new(wide, vec![x.clone()]),
            Sample::new(n(3), vec![x.cast(DType::F16)]),
        ]
    }
}

#[test]
fn classes_are_as_frequent_as_their_probabilities() {
    let x = Tensor::f32(&[1, 3], &[0.6f32.ln(), f32::NEG_INFINITY, 0.2f32.ln()]);
    let attrs = Attrs::new().with("sample_size", 4000i64);
    let y = Multinomial.eval(&Ctx { name: "node", attrs: &attrs, outputs: 1 }, &[Some(&x)]).unwrap().remove(0);
    let count = |k: i64| y.to_i64().iter().filter(|v| **v == k).count();
    assert_eq!(count(1), 0);
    assert!(count(0).abs_diff(3000) < 100, "{}", count(0));
}
