//! `GlobalLpPool`: the p-norm over the spatial axes. <https://onnx.ai/onnx/operators/onnx__GlobalLpPool.html>

use super::common::elementwise::sample_floats;
use super::common::reduction::{self, reduced_shape};
use super::common::unary::check_type;
use crate::lower::{Expr, Lowering, Monoid, Un};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(GlobalLpPoolAttrs {
    /// Order of the norm.
    p: i64 = 2,
});

pub struct GlobalLpPool;

fn spatial(rank: usize) -> Vec<usize> {
    (2..rank).collect()
}

/// `|x|^p`, by products for small p.
fn power(x: &Expr, p: i64) -> Expr {
    match p {
        1 => x.un(Un::Abs),
        2 => x.mul(x),
        p => x.un(Un::Abs).pow(&x.like(p as f64)),
    }
}

fn root(x: &Expr, p: i64) -> Expr {
    match p {
        1 => x.clone(),
        2 => x.un(Un::Sqrt),
        p => x.pow(&x.like(1.0 / p as f64)),
    }
}

impl Op for GlobalLpPool {
    fn name(&self) -> &'static str {
        "GlobalLpPool"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        GlobalLpPoolAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let p = GlobalLpPoolAttrs::read(c.attrs)?.p;
        let x = need(x, 0, "X")?;
        check_type(DType::is_float, x.dtype)?;
        ensure!(p > 0, "p is {p}, expected a positive number");
        ensure!(x.rank() >= 2, "operand X is {x}, expected rank 2 or more");
        Ok(vec![Fact::new(x.dtype, reduced_shape(&x.shape, &spatial(x.rank()), true, 1.into()))])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let p = GlobalLpPoolAttrs::read(c.attrs)?.p as f64;
        let x = need(x, 0, "X")?;
        let norm = |v: &[Num]| Num::F(v.iter().map(|v| v.f().abs().powf(p)).sum::<f64>().powf(1.0 / p));
        Ok(vec![reduction::eval(x, &spatial(x.rank()), true, norm)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let p = GlobalLpPoolAttrs::read(c.attrs)?.p;
        let x = need(x, 0, "X")?;
        let comp = reduction::comp(&y[0], x, &spatial(x.rank()), true, |x, over, _| {
            root(&Expr::reduce(Monoid::Sum, over, power(x, p)), p)
        });
        Ok(Lowering::Comps(vec![comp]))
    }
    fn samples(&self) -> Vec<Sample> {
        let p = |p: i64| Attrs::new().with("p", p);
        vec![
            Sample::new(Attrs::new(), vec![sample_floats(&[2, 3, 4, 5], 1)]),
            Sample::new(p(1), vec![sample_floats(&[1, 2, 7], 2).cast(DType::F64)]),
            Sample::new(p(3), vec![sample_floats(&[2, 3, 5], 3)]),
            Sample::new(p(2), vec![sample_floats(&[2, 3, 5], 3).cast(DType::F16)]),
        ]
    }
}
