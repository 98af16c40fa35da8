//! `EyeLike`: ones on a diagonal, zero elsewhere. <https://onnx.ai/onnx/operators/onnx__EyeLike.html>

use super::common::movement::{constant, counting};
use crate::lower::{Comp, Expr, Lowering};
use crate::op::need;
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(EyeLikeAttrs {
    /// Type of the result; absent is the operand's.
    dtype: Option<DType>,
    /// The diagonal: 0 is the main one, positive above it.
    k: i64 = 0,
});

pub struct EyeLike;

impl Op for EyeLike {
    fn name(&self) -> &'static str {
        "EyeLike"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        EyeLikeAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = need(x, 0, "input")?;
        ensure!(x.rank() == 2, "operand input is {x}, expected a matrix");
        Ok(vec![Fact::new(EyeLikeAttrs::read(c.attrs)?.dtype.unwrap_or(x.dtype), x.shape.clone())])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "input")?;
        let a = EyeLikeAttrs::read(c.attrs)?;
        let mut out = vec![];
        for_each_index(x.shape(), |idx| out.push(Num::from(idx[1] as i64 == (idx[0] as i64).saturating_add(a.k))));
        Ok(vec![Tensor::new(a.dtype.unwrap_or(x.dtype()), x.shape(), out)])
    }
    fn lowering(&self, c: &Ctx, _: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let on = Expr::var(1).sub(&Expr::var(0)).eq(&Expr::int(EyeLikeAttrs::read(c.attrs)?.k));
        let value = |v: i128| constant(y[0].dtype, Num::I(v));
        Ok(Lowering::Comps(vec![Comp::new(&y[0], on.select(&value(1), &value(0)))]))
    }
    fn samples(&self) -> Vec<Sample> {
        let k = |k: i64| Attrs::new().with("k", k);
        vec![
            Sample::new(Attrs::new(), vec![counting(&[3, 3])]),
            Sample::new(k(1).with("dtype", DType::I32), vec![counting(&[2, 4])]),
            Sample::new(k(-1).with("dtype", DType::Bool), vec![counting(&[3, 2])]),
        ]
    }
}
