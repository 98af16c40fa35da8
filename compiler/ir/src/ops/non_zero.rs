//! `NonZero`: positions of the elements that are not zero, a column each, row-major.
//! <https://onnx.ai/onnx/operators/onnx__NonZero.html>

use super::common::movement::ints;
use super::common::scatter::nest;
use crate::lower::{Expr, Lowering, Proc, Stmt, Ty, if_, set, store};
use crate::op::{Strings, need};
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor};

pub struct NonZero;

/// Register 0 counts the elements that are not zero; `found` is done for each before it is counted.
fn scan(x: &Fact, mut found: Vec<Stmt>) -> Vec<Stmt> {
    let load = Expr::load(0, x, Expr::vars(x.rank()));
    let n = Expr::reg(0, Ty::I64);
    found.push(set(0, n.add(&Expr::int(1))));
    let mut body = vec![set(0, Expr::int(0))];
    body.extend(nest(0, &x.shape, vec![if_(load.ne(&load.like(0.0)), found)]));
    body
}

impl Op for NonZero {
    fn name(&self) -> &'static str {
        "NonZero"
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|_| true)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = need(x, 0, "X")?;
        Ok(vec![Fact::new(DType::I64, [x.rank().max(1).into(), c.fresh(0)])])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "X")?;
        let mut found: Vec<Vec<i64>> = vec![vec![]; x.rank().max(1)];
        let mut values = x.iter();
        for_each_index(x.shape(), |idx| {
            if values.next().is_some_and(|v| v.truth()) {
                let idx = if idx.is_empty() { &[0] } else { idx };
                found.iter_mut().zip(idx).for_each(|(f, i)| f.push(*i as i64));
            }
        });
        Ok(vec![Tensor::i64(&[found.len(), found[0].len()], &found.concat())])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let x = need(x, 0, "X")?;
        let (zero, n) = (Expr::int(0), Expr::reg(0, Ty::I64));
        let proc_ = |body: Vec<Stmt>| Proc { scratch: vec![], parallel: None, body };
        let mut count = scan(x, vec![]);
        count.push(store(0, &Fact::new(DType::I64, [1.into()]), vec![zero.clone()], n.clone()));
        let vars = if x.rank() == 0 { vec![zero] } else { Expr::vars(x.rank()) };
        let put = |(a, v): (usize, Expr)| store(0, &y[0], vec![Expr::int(a as i64), n.clone()], v);
        let fill = scan(x, vars.into_iter().enumerate().map(put).collect());
        Ok(Lowering::Dynamic {
            count: proc_(count),
            symbols: vec![c.fresh_name(0)],
            fill: Box::new(Lowering::Proc(proc_(fill))),
        })
    }
    fn samples(&self) -> Vec<Sample> {
        let x = Tensor::i64(&[2, 3], &[0, 5, -1, 0, 0, 2]);
        let bits = x.cast(DType::Bool);
        let all = [x.cast(DType::F32), bits, ints(&[0, 0]), Tensor::i64(&[], &[3]), x];
        all.into_iter().map(|x| Sample::new(Attrs::new(), vec![x])).collect()
    }
}
