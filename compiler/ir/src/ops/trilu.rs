//! `Trilu`: the upper or lower triangle of matrices, zero elsewhere. <https://onnx.ai/onnx/operators/onnx__Trilu.html>

use super::common::movement::{counting, scalar};
use crate::lower::{Comp, Expr, Lowering};
use crate::op::{Strings, maybe, need};
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(TriluAttrs {
    /// The upper triangle (true) or the lower one.
    upper: bool = true,
});

pub struct Trilu;

impl Op for Trilu {
    fn name(&self) -> &'static str {
        "Trilu"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        TriluAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(1, 2)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|_| true)
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let data = need(x, 0, "input")?;
        ensure!(data.rank() >= 2, "operand input is {data}, expected rank 2 or more");
        if let Some(k) = maybe(x, 1) {
            ensure!(!k.dtype.is_float() && k.len().as_const() == Some(1), "operand k is {k}, expected one integer");
        }
        Ok(vec![data.type_only()])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let data = need(x, 0, "input")?;
        let upper = TriluAttrs::read(c.attrs)?.upper;
        let k = maybe(x, 1).map_or(0, |t| t.at(0).i());
        let (rank, mut values) = (data.rank(), data.iter());
        let mut out = vec![];
        for_each_index(data.shape(), |idx| {
            let ahead = idx[rank - 1] as i128 - idx[rank - 2] as i128;
            let keep = if upper { ahead >= k } else { ahead <= k };
            out.push(values.next().filter(|_| keep).unwrap_or(Num::I(0)));
        });
        Ok(vec![Tensor::new(data.dtype(), data.shape(), out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let data = need(x, 0, "input")?;
        let k = maybe(x, 1).map_or(Expr::int(0), |f| scalar(1, f));
        let rank = data.rank();
        let ahead = Expr::var(rank as u32 - 1).sub(&Expr::var(rank as u32 - 2));
        let keep = if TriluAttrs::read(c.attrs)?.upper { ahead.ge(&k) } else { ahead.le(&k) };
        let load = Expr::load(0, data, Expr::vars(rank));
        Ok(Lowering::Comps(vec![Comp::new(&y[0], keep.select(&load, &load.like(0.0)))]))
    }
    fn samples(&self) -> Vec<Sample> {
        let lower = Attrs::new().with("upper", 0i64);
        let k = |k: i64| Tensor::i64(&[], &[k]);
        vec![
            Sample::new(Attrs::new(), vec![counting(&[3, 4])]),
            Sample::new(lower.clone(), vec![counting(&[2, 3, 3]), k(-1)]),
            Sample::new(Attrs::new(), vec![Tensor::i64(&[2, 3], &[1, 2, 3, 4, 5, 6]), k(1)]),
            Sample::new(lower, vec![counting(&[4, 2]), k(9)]),
        ]
    }
}
