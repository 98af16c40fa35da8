//! `Concat`: operands one after another along an axis. <https://onnx.ai/onnx/operators/onnx__Concat.html>

use super::common::elementwise::all;
use super::common::movement::{counting, ints, unify};
use crate::infer::same_dtype;
use crate::lower::{Comp, Expr, Lowering};
use crate::op::{Strings, axis};
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(ConcatAttrs {
    /// The axis; negative counts from the end.
    axis: i64,
});

pub struct Concat;

fn join(x: &[&Fact], on: usize) -> Result<Vec<Dim>> {
    let mut out = x[0].shape.clone();
    for f in &x[1..] {
        ensure!(f.rank() == out.len(), "operands have shapes {} and {f}, expected one rank", x[0]);
        for (a, d) in f.shape.iter().enumerate() {
            out[a] = if a == on { out[a].clone() + d.clone() } else { unify(&out[a], d)? };
        }
    }
    Ok(out)
}

/// Position where each operand begins, then their total.
fn begins<T: Clone + std::ops::Add<Output = T>>(first: T, sizes: impl Iterator<Item = T>) -> Vec<T> {
    sizes.fold(vec![first], |mut at, d| {
        at.push(at[at.len() - 1].clone() + d);
        at
    })
}

impl Op for Concat {
    fn name(&self) -> &'static str {
        "Concat"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        ConcatAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::at_least(1)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|_| true)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = all(x)?;
        same_dtype(&x)?;
        let Some(first) = x.first() else { bail!("no operand, expected 1 or more") };
        let on = axis(ConcatAttrs::read(c.attrs)?.axis, first.rank())?;
        let y = Fact::new(first.dtype, join(&x, on)?);
        let values: Option<Vec<Vec<Dim>>> = x.iter().map(|f| f.as_dims()).collect();
        Ok(vec![match values {
            Some(v) if y.rank() == 1 => y.with_dims(v.concat()),
            _ => y,
        }])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = all(x)?;
        let on = axis(ConcatAttrs::read(c.attrs)?.axis, x[0].rank())?;
        let begins = begins(0, x.iter().map(|t| t.shape()[on]));
        let mut shape = x[0].shape().to_vec();
        shape[on] = begins[x.len()];
        let mut out: Vec<Num> = vec![];
        for_each_index(&shape, |idx| {
            let k = begins[1..].partition_point(|b| *b <= idx[on]);
            let mut idx = idx.to_vec();
            idx[on] -= begins[k];
            let at: usize = x[k].strides().iter().zip(&idx).map(|(s, i)| s * i).sum();
            out.push(x[k].at(at));
        });
        Ok(vec![Tensor::new(x[0].dtype(), &shape, out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let x = all(x)?;
        let on = axis(ConcatAttrs::read(c.attrs)?.axis, y[0].rank())?;
        let begins = begins(Dim::from(0), x.iter().map(|f| f.shape[on].clone()));
        let here = Expr::var(on as u32);
        let load = |k: usize| {
            let mut index = Expr::vars(y[0].rank());
            if !begins[k].is_zero() {
                index[on] = here.sub(&Expr::size(&begins[k]));
            }
            Expr::load(k, x[k], index)
        };
        let last = x.len() - 1;
        let before = |rest: Expr, k: usize| here.lt(&Expr::size(&begins[k + 1])).select(&load(k), &rest);
        let expr = (0..last).rev().filter(|k| !x[*k].shape[on].is_zero()).fold(load(last), before);
        Ok(Lowering::Comps(vec![Comp::new(&y[0], expr)]))
    }
    fn samples(&self) -> Vec<Sample> {
        let on = |a: i64| Attrs::new().with("axis", a);
        vec![
            Sample::new(on(1), vec![counting(&[2, 3]), counting(&[2, 1]), counting(&[2, 4])]),
            Sample::new(on(-3), vec![counting(&[2, 3, 2]), counting(&[5, 3, 2])]),
            Sample::new(on(0), vec![ints(&[1, 2]), ints(&[]), ints(&[3])]),
            Sample::new(on(0), vec![counting(&[3])]),
        ]
    }
}
