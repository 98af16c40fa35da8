//! `Hardmax`: 1 at the first largest element of each line, 0 elsewhere.
//! <https://onnx.ai/onnx/operators/onnx__Hardmax.html>

use super::common::arg::{best, find};
use super::common::elementwise::sample_floats;
use super::common::line::{for_each_line, position};
use super::common::reduction::for_each_group;
use super::common::softmax::AxisAttrs;
use super::common::unary::check_type;
use crate::lower::{Cmp, Expr, Lowering, Ty, for_, store};
use crate::op::{axis, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor};

pub struct Hardmax;

impl Op for Hardmax {
    fn name(&self) -> &'static str {
        "Hardmax"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        AxisAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = need(x, 0, "input")?;
        check_type(DType::is_float, x.dtype)?;
        axis(AxisAttrs::read(c.attrs)?.axis, x.rank())?;
        Ok(vec![Fact::new(x.dtype, x.shape.clone())])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "input")?;
        let mut out = vec![Num::F(0.0); x.len()];
        for_each_group(x.shape(), &[axis(AxisAttrs::read(c.attrs)?.axis, x.rank())?], |at| {
            let line: Vec<Num> = at.iter().map(|i| x.at(*i)).collect();
            if let Some(i) = at.get(best(&line, Cmp::Gt)) {
                out[*i] = Num::F(1.0);
            }
        });
        Ok(vec![Tensor::new(x.dtype(), x.shape(), out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let x = need(x, 0, "input")?;
        let axis = axis(AxisAttrs::read(c.attrs)?.axis, x.rank())?;
        let (var, ty) = (position(x), Ty::of(x.dtype));
        Ok(Lowering::Proc(for_each_line(&x.shape, axis, |at| {
            let chosen = Expr::var(var).eq(&Expr::reg(1, Ty::I64));
            let value = chosen.select(&Expr::num(ty, 1.0), &Expr::num(ty, 0.0));
            let mut body = find(x, axis, Cmp::Gt, at);
            body.push(for_(var, &x.shape[axis], vec![store(0, &y[0], at(&Expr::var(var)), value)]));
            body
        })))
    }
    fn samples(&self) -> Vec<Sample> {
        let ties = Tensor::f32(&[2, 4], &[1.0, 3.0, 3.0, 0.0, 2.0, 2.0, 2.0, 2.0]);
        vec![
            Sample::new(Attrs::new(), vec![ties]),
            Sample::new(Attrs::new(), vec![Tensor::f32(&[2, 0], &[])]),
            Sample::new(Attrs::new().with("axis", 1i64), vec![sample_floats(&[2, 3, 5], 1)]),
            Sample::new(Attrs::new().with("axis", 0i64), vec![sample_floats(&[4], 1).cast(DType::F16)]),
        ]
    }
}
