//! `TopK`: the largest or smallest `K` elements along an axis, and where they are.
//! <https://onnx.ai/onnx/operators/onnx__TopK.html>

use super::common::elementwise::sample_floats;
use super::common::movement::{dynamic, ints, scalar};
use super::common::order::{Lane, above, compare};
use crate::lower::{Expr, Lowering, Proc, Stmt, for_, store};
use crate::op::{axis, need};
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, dim, ensure};

attrs!(TopKAttrs {
    /// The axis; negative counts from the end.
    axis: i64 = -1,
    /// The largest elements (true) or the smallest.
    largest: bool = true,
    /// Whether they must come in order; they always do.
    sorted: bool = true,
});

pub struct TopK;

/// The axis and the direction.
fn setup(c: &Ctx, rank: usize) -> Result<(usize, bool)> {
    let a = TopKAttrs::read(c.attrs)?;
    Ok((axis(a.axis, rank)?, a.largest))
}

impl Op for TopK {
    fn name(&self) -> &'static str {
        "TopK"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        TopKAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn results(&self) -> Arity {
        Arity::exactly(2)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (data, k) = (need(x, 0, "X")?, need(x, 1, "K")?);
        let (on, _) = setup(c, data.rank())?;
        ensure!(k.len().as_const() == Some(1), "operand K is {k}, expected one element");
        let k = k.as_dims().map_or_else(|| c.fresh(0), |v| v[0].clone());
        let d = &data.shape[on];
        let fits = k.as_const().is_none_or(|k| k >= 0 && d.as_const().is_none_or(|d| k <= d));
        ensure!(fits, "K is {k}, expected 0..={d}");
        let mut shape = data.shape.clone();
        shape[on] = k;
        Ok(vec![Fact::new(data.dtype, shape.clone()), Fact::new(DType::I64, shape)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (data, k) = (need(x, 0, "X")?, need(x, 1, "K")?.at(0).i());
        let (on, largest) = setup(c, data.rank())?;
        let mut shape = data.shape().to_vec();
        let (n, strides) = (shape[on], data.strides());
        shape[on] = k as usize;
        let (mut values, mut indices) = (vec![], vec![]);
        for_each_index(&shape, |idx| {
            let base: usize = strides.iter().zip(idx).map(|(s, i)| s * i).sum::<usize>() - idx[on] * strides[on];
            let mut lane: Vec<(usize, Num)> = (0..n).map(|i| (i, data.at(base + i * strides[on]))).collect();
            lane.sort_by(|a, b| if largest { compare(b.1, a.1) } else { compare(a.1, b.1) });
            values.push(lane[idx[on]].1);
            indices.push(lane[idx[on]].0 as i64);
        });
        Ok(vec![Tensor::new(data.dtype(), &shape, values), Tensor::i64(&shape, &indices)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (data, k) = (need(x, 0, "X")?, need(x, 1, "K")?);
        let (on, largest) = setup(c, data.rank())?;
        let fill = Lowering::Proc(select(data, on, largest, y));
        let count = scalar(1, k).max(&Expr::int(0)).min(&Expr::size(&data.shape[on]));
        Ok(if k.as_dims().is_some() { fill } else { dynamic(c, &[count], fill) })
    }
    fn samples(&self) -> Vec<Sample> {
        let top = |a: Attrs, x: Tensor, k: i64| Sample { outputs: 2, ..Sample::new(a, vec![x, ints(&[k])]) };
        let ties = Tensor::i64(&[7], &[3, 1, 3, 2, 1, 3, 0]);
        vec![
            top(Attrs::new(), sample_floats(&[3, 5], 1), 3),
            top(Attrs::new().with("axis", 1i64).with("largest", 0i64), sample_floats(&[2, 4, 3], 2), 2),
            top(Attrs::new().with("sorted", 0i64), ties.clone(), 5),
            top(Attrs::new().with("largest", 0i64), ties, 7),
            top(Attrs::new(), Tensor::f32(&[4], &[1.0, f32::NAN, -0.0, 0.0]), 4),
            top(Attrs::new().with("axis", 0i64), sample_floats(&[2, 2], 3).cast(DType::F16), 0),
        ]
    }
}

/// Index of the element of lane `lane` at position `i` of axis `on`.
fn lane_index(shape: &[Dim], on: usize, lane: &Expr, i: &Expr) -> Vec<Expr> {
    let mut rest = lane.clone();
    let mut index = vec![i.clone(); shape.len()];
    for a in (0..shape.len()).rev().filter(|a| *a != on) {
        let d = Expr::size(&shape[a]);
        index[a] = rest.rem(&d);
        rest = rest.div(&d);
    }
    index
}

/// Sorts every lane, then keeps the first elements.
fn select(data: &Fact, on: usize, largest: bool, y: &[Fact]) -> Proc {
    let lanes = dim::product(data.shape.iter().enumerate().filter(|(a, _)| *a != on).map(|(_, d)| d));
    let lane = Lane { slot: 0, lanes: lanes.clone(), n: data.shape[on].clone(), row: Expr::var(0) };
    let at = |i: &Expr| Expr::load(0, data, lane_index(&data.shape, on, &lane.row, i));
    let before = |i: &Expr, j: &Expr| if largest { above(&at(i), &at(j)) } else { above(&at(j), &at(i)) };
    let mut body = lane.sort(1, 0, &before);
    let i = Expr::var(3);
    let to = lane_index(&data.shape, on, &lane.row, &i);
    let (from, zero) = (lane.load(&i), Expr::int(0));
    let value = at(&from);
    let keep = Stmt::If {
        cond: i.lt(&Expr::size(&lane.n)),
        then: vec![store(0, &y[0], to.clone(), value.clone()), store(1, &y[1], to.clone(), from)],
        els: vec![store(0, &y[0], to.clone(), value.like(0.0)), store(1, &y[1], to, zero)],
    };
    body.push(for_(3, &y[0].shape[on], vec![keep]));
    Proc { scratch: lane.scratch().to_vec(), parallel: Some((0, lanes)), body }
}
