//! `Squeeze`: takes axes of size 1 out. <https://onnx.ai/onnx/operators/onnx__Squeeze.html>

use super::common::computed_axes::{Axes, checked, count, counted, unknown};
use super::common::movement::{axes, counting, dynamic, ints};
use crate::lower::{Expr, Lowering};
use crate::op::{Strings, maybe, need};
use crate::{Arity, Attrs, Ctx, Dim, Fact, Op, Result, Sample, Tensor, ensure};

pub struct Squeeze;

/// The shape without `list`, or without all axes known to have size 1.
fn squeezed(shape: &[Dim], list: Option<Vec<i64>>) -> Result<Vec<Dim>> {
    let out = match list {
        Some(list) => axes(&list, shape.len())?,
        None => (0..shape.len()).filter(|a| shape[*a].is_one()).collect(),
    };
    for a in &out {
        let size = &shape[*a];
        ensure!(size.as_const().is_none_or(|d| d == 1), "axis {a} has size {size}, expected 1");
    }
    Ok((0..shape.len()).filter(|a| !out.contains(a)).map(|a| shape[a].clone()).collect())
}

/// Sizes of the result of rank `rank`, when the axes are data.
fn sizes(data: &Fact, list: &Fact, rank: usize) -> Vec<Expr> {
    let axes = Axes { slot: 1, list, rank: data.rank() };
    let have: Vec<Expr> = data.shape.iter().map(Expr::size).collect();
    let out: Vec<Expr> = (0..data.rank()).map(|a| axes.named(a)).collect();
    let before = counted(&out);
    let ones = out.iter().zip(&have).map(|(out, d)| out.select(d, &Expr::int(1)).eq(&Expr::int(1)));
    let fits = ones.fold(before[data.rank()].eq(&Expr::size(&list.shape[0])), |all, one| all.and(&one));
    // Where axis k of the result is axis a of the operand, a - k axes before it were taken out.
    let at = |k: usize, a: usize| {
        let stays = before[a].eq(&Expr::int((a - k) as i64)).and(&before[a + 1].eq(&before[a]));
        stays.select(&have[a], &Expr::int(0))
    };
    let size = |k: usize| (k..data.rank()).fold(Expr::int(0), |sum, a| sum.add(&at(k, a)));
    // A result without axes has a size that nothing reads, so that this is checked.
    checked(&fits, if rank == 0 { vec![Expr::int(1)] } else { (0..rank).map(size).collect() })
}

impl Op for Squeeze {
    fn name(&self) -> &'static str {
        "Squeeze"
    }
    fn operands(&self) -> Arity {
        Arity::range(1, 2)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|i| i == 0)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let data = need(x, 0, "data")?;
        let shape = match unknown(maybe(x, 1)) {
            Some(list) => {
                let (n, rank) = (count(list)?, data.rank());
                ensure!(n <= rank, "operand axes is {list}, expected {rank} axes at most");
                (0..rank - n).map(|k| c.fresh(k)).collect()
            }
            None => squeezed(&data.shape, maybe(x, 1).map(|f| f.as_ints().unwrap_or_default()))?,
        };
        let y = Fact::new(data.dtype, shape);
        Ok(vec![match data.as_dims() {
            Some(v) => y.with_dims(v),
            None => y,
        }])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let data = need(x, 0, "data")?;
        let on = maybe(x, 1).map(Tensor::to_i64);
        let shape = squeezed(&data.type_fact().shape, on)?;
        Ok(vec![data.reshape(&super::common::movement::sizes(&shape))?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let data = need(x, 0, "data")?;
        Ok(match unknown(maybe(x, 1)) {
            Some(list) => dynamic(c, &sizes(data, list, y[0].rank()), Lowering::Alias),
            None => Lowering::Alias,
        })
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        vec![
            Sample::new(Attrs::new(), vec![counting(&[1, 3, 1, 2])]),
            Sample::new(Attrs::new(), vec![counting(&[1, 3, 1, 2]), ints(&[-2])]),
            Sample::new(Attrs::new(), vec![ints(&[5]), ints(&[0])]),
        ]
    }
}
