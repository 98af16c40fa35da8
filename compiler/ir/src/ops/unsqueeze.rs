//! `Unsqueeze`: adds axes of size 1. <https://onnx.ai/onnx/operators/onnx__Unsqueeze.html>

use super::common::computed_axes::{Axes, checked, count, counted, picked, unknown};
use super::common::movement::{axes, counting, dynamic, ints};
use crate::lower::{Expr, Lowering};
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, Dim, Fact, Op, Result, Sample, Tensor};

pub struct Unsqueeze;

/// The shape with a 1 at each position of `list`, positions counted in the result.
fn unsqueezed(shape: &[Dim], list: &[i64]) -> Result<Vec<Dim>> {
    let rank = shape.len() + list.len();
    let ones = axes(list, rank)?;
    let mut rest = shape.iter().cloned();
    Ok((0..rank).map(|a| if ones.contains(&a) { 1.into() } else { rest.next().unwrap_or(1.into()) }).collect())
}

/// Sizes of the result of rank `rank`, when the axes are data.
fn sizes(data: &Fact, list: &Fact, rank: usize) -> Vec<Expr> {
    let (axes, have) = (Axes { slot: 1, list, rank }, data.shape.iter().map(Expr::size).collect::<Vec<_>>());
    let ones: Vec<Expr> = (0..rank).map(|a| axes.named(a)).collect();
    let before = counted(&ones);
    let size = |a: usize| ones[a].select(&Expr::int(1), &picked(&have, &Expr::int(a as i64).sub(&before[a])));
    checked(&before[rank].eq(&Expr::size(&list.shape[0])), (0..rank).map(size).collect())
}

impl Op for Unsqueeze {
    fn name(&self) -> &'static str {
        "Unsqueeze"
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|i| i == 0)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (data, list) = (need(x, 0, "data")?, need(x, 1, "axes")?);
        let shape = match unknown(Some(list)) {
            Some(list) => (0..data.rank() + count(list)?).map(|k| c.fresh(k)).collect(),
            None => unsqueezed(&data.shape, &list.as_ints().unwrap_or_default())?,
        };
        let y = Fact::new(data.dtype, shape);
        Ok(vec![match data.as_dims().filter(|_| y.rank() <= 1) {
            Some(v) => y.with_dims(v),
            None => y,
        }])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (data, on) = (need(x, 0, "data")?, need(x, 1, "axes")?.to_i64());
        let shape = unsqueezed(&data.type_fact().shape, &on)?;
        Ok(vec![data.reshape(&super::common::movement::sizes(&shape))?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (data, list) = (need(x, 0, "data")?, need(x, 1, "axes")?);
        Ok(match unknown(Some(list)) {
            Some(list) => dynamic(c, &sizes(data, list, y[0].rank()), Lowering::Alias),
            None => Lowering::Alias,
        })
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        vec![
            Sample::new(Attrs::new(), vec![counting(&[3, 2]), ints(&[0, -1])]),
            Sample::new(Attrs::new(), vec![counting(&[3, 2]), ints(&[2, 1])]),
            Sample::new(Attrs::new(), vec![Tensor::i64(&[], &[5]), ints(&[0])]),
        ]
    }
}
