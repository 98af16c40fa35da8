//! `Bernoulli`: 1 with the probability the operand gives, else 0. <https://onnx.ai/onnx/operators/onnx__Bernoulli.html>
//!
//! An element is 1 where the uniform number drawn for its position is less than the probability.

use super::common::philox;
use super::common::random::{fraction, fraction_expr, key, position};
use super::common::unary::check_type;
use crate::lower::{Comp, Expr, Lowering, Ty};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, attrs};

attrs!(BernoulliAttrs {
    /// Type of the result; absent is the operand's.
    dtype: Option<DType>,
    /// Seed; absent is 0.
    seed: Option<f32>,
});

pub struct Bernoulli;

/// Digits of the numbers drawn.
const DIGITS: u32 = 53;

impl Op for Bernoulli {
    fn name(&self) -> &'static str {
        "Bernoulli"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        BernoulliAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = need(x, 0, "input")?;
        check_type(DType::is_float, x.dtype)?;
        Ok(vec![Fact::new(BernoulliAttrs::read(c.attrs)?.dtype.unwrap_or(x.dtype), x.shape.clone())])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (x, key) = (need(x, 0, "input")?, key(c.attrs)?);
        let dtype = BernoulliAttrs::read(c.attrs)?.dtype.unwrap_or(x.dtype());
        let drawn = |i: usize| {
            let [a, b, ..] = philox::at(i as u64, key);
            fraction([a, b], DIGITS)
        };
        let data = x.iter().enumerate().map(|(i, p)| Num::from(drawn(i) < p.f()));
        Ok(vec![Tensor::new(dtype, x.shape(), data)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let x = need(x, 0, "input")?;
        let [a, b, ..] = philox::at_expr(&position(&x.shape), key(c.attrs)?);
        let p = Expr::load(0, x, Expr::vars(x.rank())).cast(Ty::F64);
        let one = fraction_expr([&a, &b], DIGITS).lt(&p);
        Ok(Lowering::Comps(vec![Comp::new(&y[0], one.cast(Ty::of(y[0].dtype)))]))
    }
    fn samples(&self) -> Vec<Sample> {
        let p = Tensor::f32(&[2, 8], &[0.0, 1.0, 0.5, 0.25, 0.75, 0.1, 0.9, 0.5].repeat(2));
        let seed = |s: f32| Attrs::new().with("seed", s);
        vec![
            Sample::new(Attrs::new(), vec![p.cast(DType::F16)]),
            Sample::new(seed(2.0).with("dtype", DType::Bool), vec![p.clone()]),
            Sample::new(seed(9.5).with("dtype", DType::I32), vec![p.cast(DType::F64)]),
        ]
    }
}

#[test]
fn ones_are_as_frequent_as_asked() {
    let p = Tensor::f32(&[3, 4000], &[0.0f32, 0.25, 1.0].map(|p| [p; 4000]).concat());
    let attrs = Attrs::new().with("seed", 3.0f32);
    let y = Bernoulli.eval(&Ctx { name: "node", attrs: &attrs, outputs: 1 }, &[Some(&p)]).unwrap().remove(0).to_f64();
    let ones: Vec<f64> = y.chunks(4000).map(|c| c.iter().sum()).collect();
    assert_eq!((ones[0], ones[2]), (0.0, 4000.0));
    assert!((ones[1] - 1000.0).abs() < 100.0, "{}", ones[1]);
}
