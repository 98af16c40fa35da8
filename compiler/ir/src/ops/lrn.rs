//! `LRN`: `x / (bias + alpha / size * sum of squares of neighbouring channels)^beta`.
//! <https://onnx.ai/onnx/operators/onnx__LRN.html>

use super::common::elementwise::sample_floats;
use super::common::normalize::tensor;
use super::common::unary::check_type;
use crate::lower::{Comp, Expr, Lowering, Monoid};
use crate::op::need;
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(LrnAttrs {
    /// Scale of the sum.
    alpha: f32 = 1e-4,
    /// Exponent.
    beta: f32 = 0.75,
    /// Added to the sum.
    bias: f32 = 1.0,
    /// Number of channels in a sum.
    size: i64,
});

pub struct Lrn;

impl Op for Lrn {
    fn name(&self) -> &'static str {
        "LRN"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        LrnAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let a = LrnAttrs::read(c.attrs)?;
        let x = need(x, 0, "X")?;
        check_type(DType::is_float, x.dtype)?;
        ensure!(a.size > 0, "size is {}, expected a positive number", a.size);
        ensure!(x.rank() >= 2, "operand X is {x}, expected rank 2 or more");
        Ok(vec![Fact::new(x.dtype, x.shape.clone())])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let a = LrnAttrs::read(c.attrs)?;
        let x = need(x, 0, "X")?;
        let (v, channels, step) = (x.to_f64(), x.shape()[1] as i64, x.strides()[1]);
        let mut out = vec![];
        for_each_index(x.shape(), |idx| {
            let (at, c) = (out.len(), idx[1] as i64);
            let first = (c - (a.size - 1) / 2).max(0);
            let last = (c + a.size / 2).min(channels - 1);
            let base = at - idx[1] * step;
            let sum: f64 = (first..=last).map(|i| v[base + i as usize * step].powi(2)).sum();
            out.push(v[at] / (a.bias as f64 + a.alpha as f64 / a.size as f64 * sum).powf(a.beta as f64));
        });
        Ok(vec![tensor(x.dtype(), x.shape(), out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let a = LrnAttrs::read(c.attrs)?;
        let x = need(x, 0, "X")?;
        let (mut index, tap) = (Expr::vars(x.rank()), x.rank() as u32);
        let here = Expr::load(0, x, index.clone());
        index[1] = Expr::var(1).add(&Expr::var(tap)).sub(&Expr::int((a.size - 1) / 2));
        let inside = index[1].within(&x.shape[1]);
        let near = inside.select(&Expr::load(0, x, index), &here.like(0.0));
        let sum = Expr::reduce(Monoid::Sum, vec![(tap, a.size.into())], near.mul(&near));
        let scaled = sum.mul(&here.like(a.alpha as f64 / a.size as f64)).add(&here.like(a.bias as f64));
        Ok(Lowering::Comps(vec![Comp::new(&y[0], here.div(&scaled.pow(&here.like(a.beta as f64))))]))
    }
    fn samples(&self) -> Vec<Sample> {
        let size = |n: i64| Attrs::new().with("size", n);
        let strong = size(4).with("alpha", 0.5f32).with("beta", 0.5f32).with("bias", 2.0f32);
        vec![
            Sample::new(size(3), vec![sample_floats(&[2, 5, 3, 2], 1)]),
            Sample::new(strong, vec![sample_floats(&[2, 3, 4], 1).cast(DType::F64)]),
            Sample::new(size(9).with("alpha", 1.0f32), vec![sample_floats(&[1, 4, 3], 1).cast(DType::F16)]),
        ]
    }
}
