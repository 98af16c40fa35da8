//! `Compress`: the slices of an axis where a condition holds. <https://onnx.ai/onnx/operators/onnx__Compress.html>

use super::common::movement::{counting, offset, take};
use super::common::scatter::nest;
use crate::lower::{Expr, Lowering, Proc, Stmt, Ty, for_, if_, set, store};
use crate::op::{Strings, axis, need};
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(CompressAttrs {
    /// The axis; absent takes elements of the flattened operand.
    axis: Option<i64>,
});

pub struct Compress;

/// The axis, and the operand's shape, flattened where no axis is given.
fn setup<T: Clone>(c: &Ctx, shape: &[T], len: T) -> Result<(usize, Vec<T>)> {
    match CompressAttrs::read(c.attrs)?.axis {
        Some(a) => Ok((axis(a, shape.len())?, shape.to_vec())),
        None => Ok((0, vec![len])),
    }
}

/// Register 0 counts the positions where the condition holds; `found` is done at each before it is counted.
/// Variable 0 is the position.
fn scan(condition: &Fact, extent: &Dim, mut found: Vec<Stmt>) -> Vec<Stmt> {
    let (i, n) = (Expr::var(0), Expr::reg(0, Ty::I64));
    found.push(set(0, n.add(&Expr::int(1))));
    let holds = i.lt(&Expr::size(extent)).select(&Expr::load(1, condition, vec![i.clone()]), &Expr::bool(false));
    vec![set(0, Expr::int(0)), for_(0, &condition.shape[0], vec![if_(holds, found)])]
}

/// Index of element `i` of a row-major tensor.
fn unflatten(shape: &[Dim], i: &Expr) -> Vec<Expr> {
    let (mut rest, mut out) = (i.clone(), vec![]);
    for d in shape.iter().rev() {
        out.insert(0, rest.rem(&Expr::size(d)));
        rest = rest.div(&Expr::size(d));
    }
    out
}

impl Op for Compress {
    fn name(&self) -> &'static str {
        "Compress"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        CompressAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|i| i == 0)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (data, condition) = (need(x, 0, "input")?, need(x, 1, "condition")?);
        let fits = condition.rank() == 1 && condition.dtype == DType::Bool;
        ensure!(fits, "operand condition is {condition}, expected a vector of bool");
        let (on, mut shape) = setup(c, &data.shape, data.len())?;
        shape[on] = c.fresh(0);
        Ok(vec![Fact::new(data.dtype, shape)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (data, condition) = (need(x, 0, "input")?, need(x, 1, "condition")?);
        let (on, mut shape) = setup(c, data.shape(), data.len())?;
        let strides = crate::tensor::strides(&shape);
        let holds = |(i, v): (usize, crate::Num)| v.truth().then_some(i);
        let kept: Vec<usize> = condition.iter().take(shape[on]).enumerate().filter_map(holds).collect();
        shape[on] = kept.len();
        let moved = |idx: &[usize]| offset(&strides, idx) - idx[on] * strides[on] + kept[idx[on]] * strides[on];
        Ok(vec![take(data, &shape, moved)?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (data, condition) = (need(x, 0, "input")?, need(x, 1, "condition")?);
        let (on, shape) = setup(c, &data.shape, data.len())?;
        let (n, extent) = (Expr::reg(0, Ty::I64), shape[on].clone());
        let mut count = scan(condition, &extent, vec![]);
        count.push(store(0, &Fact::new(DType::I64, [1.into()]), vec![Expr::int(0)], n.clone()));
        let others: Vec<Dim> = shape.iter().enumerate().filter(|(a, _)| *a != on).map(|(_, d)| d.clone()).collect();
        let with = |v: &Expr| {
            let mut index: Vec<Expr> = (1..=others.len() as u32).map(Expr::var).collect();
            index.insert(on, v.clone());
            index
        };
        let from = with(&Expr::var(0));
        let from = if shape.len() == data.rank() { from } else { unflatten(&data.shape, &from[0]) };
        let copy = store(0, &y[0], with(&n), Expr::load(0, data, from));
        let fill = scan(condition, &extent, nest(1, &others, vec![copy]));
        let proc_ = |body: Vec<Stmt>| Proc { scratch: vec![], parallel: None, body };
        Ok(Lowering::Dynamic {
            count: proc_(count),
            symbols: vec![c.fresh_name(0)],
            fill: Box::new(Lowering::Proc(proc_(fill))),
        })
    }
    fn samples(&self) -> Vec<Sample> {
        let when = |v: &[i64]| Tensor::i64(&[v.len()], v).cast(DType::Bool);
        let on = |a: i64| Attrs::new().with("axis", a);
        vec![
            Sample::new(on(0), vec![counting(&[3, 2]), when(&[0, 1, 1])]),
            Sample::new(on(-1), vec![counting(&[2, 3, 4]), when(&[1, 0, 1])]),
            Sample::new(Attrs::new(), vec![counting(&[3, 2]), when(&[0, 1, 0, 0, 1])]),
            Sample::new(Attrs::new(), vec![counting(&[2]), when(&[0, 0, 1])]),
        ]
    }
}
