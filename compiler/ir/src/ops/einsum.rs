//! `Einsum`: the sum of products that an equation describes. <https://onnx.ai/onnx/operators/onnx__Einsum.html>

use super::common::contract::dot;
use super::common::elementwise::{all, sample_floats};
use super::common::equation::{Equation, Label};
use crate::infer::same_dtype;
use crate::lower::{Comp, Contract, Expr, Lowering, Monoid, Ty};
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Graph, Num, Op, Result, Sample, Tensor, attrs, ensure};
use std::collections::BTreeMap;

attrs!(EinsumAttrs {
    /// Terms of letters and ellipses, e.g. `bij,bjk->bik`.
    equation: String,
});

pub struct Einsum;

fn equation(c: &Ctx, x: &[&Fact]) -> Result<Equation> {
    let ranks: Vec<usize> = x.iter().map(|f| f.rank()).collect();
    Equation::parse(&EinsumAttrs::read(c.attrs)?.equation, &ranks)
}

fn sizes(e: &Equation, x: &[&Fact]) -> Result<BTreeMap<Label, Dim>> {
    e.sizes(&x.iter().map(|f| &f.shape[..]).collect::<Vec<_>>())
}

impl Op for Einsum {
    fn name(&self) -> &'static str {
        "Einsum"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        EinsumAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::at_least(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = all(x)?;
        same_dtype(&x)?;
        ensure!(x[0].dtype != DType::Bool, "operands are bool, expected numbers");
        let e = equation(c, &x)?;
        let sizes = sizes(&e, &x)?;
        Ok(vec![Fact::new(x[0].dtype, e.result.iter().map(|l| sizes[l].clone()))])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = all(x)?;
        let facts: Vec<Fact> = x.iter().map(|t| t.type_fact()).collect();
        let facts: Vec<&Fact> = facts.iter().collect();
        let e = equation(c, &facts)?;
        let (sizes, summed, dtype) = (sizes(&e, &facts)?, e.summed(), x[0].dtype());
        let extents =
            |labels: &[Label]| labels.iter().map(|l| sizes[l].as_const().unwrap_or(0) as usize).collect::<Vec<_>>();
        let (shape, inner) = (extents(&e.result), extents(&summed));
        let mut out = vec![];
        for_each_index(&shape, |outer| {
            let mut products = vec![];
            for_each_index(&inner, |sum| {
                let at = |l: &Label| match e.result.iter().position(|r| r == l) {
                    Some(i) => outer[i],
                    None => summed.iter().position(|s| s == l).map_or(0, |i| sum[i]),
                };
                let element = |t: &Tensor, labels: &[Label]| {
                    let position = |p: usize, (d, l): (&usize, &Label)| p * d + if *d == 1 { 0 } else { at(l) };
                    t.at(t.shape().iter().zip(labels).fold(0, position))
                };
                let one = if dtype.is_float() { Num::F(1.0) } else { Num::I(1) };
                let rest = x.iter().zip(&e.operands).skip(1).map(|(t, l)| element(t, l));
                let rest = rest.fold(one, |p, v| dot(dtype, [(p, v)].into_iter()));
                products.push((element(x[0], &e.operands[0]), rest));
            });
            out.push(dot(dtype, products.into_iter()));
        });
        Ok(vec![Tensor::new(dtype, &shape, out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let x = all(x)?;
        let e = equation(c, &x)?;
        match Ty::of(y[0].dtype) {
            ty if x.len() == 2 && ty != Ty::U64 => contract(c, &e, &x, &y[0]),
            ty => sum(&e, &x, &y[0], ty),
        }
    }
    fn samples(&self) -> Vec<Sample> {
        let sum = |e: &str, shapes: &[&[usize]]| {
            let x = shapes.iter().zip(1..).map(|(s, k)| sample_floats(s, k)).collect();
            Sample::new(Attrs::new().with("equation", e), x)
        };
        let mut out = vec![
            sum("ij,jk->ik", &[&[2, 3], &[3, 4]]),
            sum("bij, bjk -> bki", &[&[2, 3, 4], &[2, 4, 2]]),
            sum("bhid,bhjd->bhij", &[&[2, 1, 3, 4], &[2, 1, 2, 4]]),
            sum("...ij,...jk", &[&[2, 2, 3], &[3, 2]]),
            sum("...ii->...i", &[&[2, 3, 3]]),
            sum("ij->ji", &[&[2, 3]]),
            sum("ij->", &[&[2, 3]]),
            sum("i,j", &[&[2], &[3]]),
            sum("i,i", &[&[5], &[5]]),
            sum("ij,j,jk->ik", &[&[2, 3], &[3], &[3, 2]]),
            sum("ab,bc->ac", &[&[2, 1], &[3, 2]]),
        ];
        let ints = out[0].x.iter().map(|t| t.as_ref().map(|t| t.cast(DType::I8))).collect();
        out.push(Sample { x: ints, ..out[0].clone() });
        out
    }
}

/// The element of operand `i` at the variables of its labels.
fn load(i: usize, x: &Fact, labels: &[Label], order: &[Label], sizes: &BTreeMap<Label, Dim>) -> Expr {
    let index = labels.iter().zip(&x.shape).map(|(l, d)| {
        let var = Expr::var(order.iter().position(|o| o == l).unwrap_or(0) as u32);
        match sizes[l] == *d {
            true => var,
            false if d.is_one() => Expr::int(0),
            false => var.mul(&Expr::size(&(d.clone() - 1.into()).min_of(&1.into()))),
        }
    });
    Expr::load(i, x, index.collect())
}

fn sum(e: &Equation, x: &[&Fact], y: &Fact, ty: Ty) -> Result<Lowering> {
    let (sizes, summed) = (sizes(e, x)?, e.summed());
    let order: Vec<Label> = e.result.iter().chain(&summed).copied().collect();
    let factor = |i: usize| load(i, x[i], &e.operands[i], &order, &sizes).cast(ty);
    let product = (1..x.len()).fold(factor(0), |p, i| p.mul(&factor(i)));
    let over: Vec<(u32, Dim)> = (e.result.len() as u32..).zip(summed.iter().map(|l| sizes[l].clone())).collect();
    let expr = if over.is_empty() { product } else { Expr::reduce(Monoid::Sum, over, product) };
    Ok(Lowering::Comps(vec![Comp::new(y, expr)]))
}

/// A contraction where the result's axes come as batch, rows, columns; else one in that order and a transposition.
fn contract(c: &Ctx, e: &Equation, x: &[&Fact], y: &Fact) -> Result<Lowering> {
    let [batch, m, n] = e.grouped();
    let wanted: Vec<Label> = [&batch[..], &m[..], &n[..]].concat();
    if wanted != e.result {
        return transposed(c, e, x, &wanted);
    }
    let (sizes, k) = (sizes(e, x)?, e.summed());
    let order: Vec<Label> = wanted.iter().chain(&k).copied().collect();
    let dims = |l: &[Label]| l.iter().map(|l| sizes[l].clone()).collect::<Vec<_>>();
    Ok(Lowering::Contract(Contract {
        a: load(0, x[0], &e.operands[0], &order, &sizes),
        b: load(1, x[1], &e.operands[1], &order, &sizes),
        batch: dims(&batch),
        m: dims(&m),
        n: dims(&n),
        k: dims(&k),
        acc: Ty::of(y.dtype),
        dtype: y.dtype,
    }))
}

/// The sum with its result in the order `wanted`, then transposed. Every label becomes a letter.
fn transposed(c: &Ctx, e: &Equation, x: &[&Fact], wanted: &[Label]) -> Result<Lowering> {
    let all: Vec<Label> = wanted.iter().copied().chain(e.summed()).collect();
    ensure!(all.len() <= 52, "the equation has {} labels, expected at most 52", all.len());
    let letters: Vec<char> = ('a'..='z').chain('A'..='Z').collect();
    let term = |labels: &[Label]| -> String {
        labels.iter().map(|l| letters[all.iter().position(|o| o == l).unwrap_or(0)]).collect()
    };
    let terms: Vec<String> = e.operands.iter().map(|o| term(o)).collect();
    let text = format!("{}->{}", terms.join(","), term(wanted));
    let perm: Vec<i64> = e.result.iter().map(|l| wanted.iter().position(|w| w == l).unwrap_or(0) as i64).collect();
    let mut g = Graph::new(c.name);
    let inputs: Vec<_> = x.iter().enumerate().map(|(i, f)| g.add_input(&format!("x{i}"), (*f).clone())).collect();
    let product = g.apply("product", "Einsum", Attrs::new().with("equation", text), &inputs)?;
    let y = g.apply("result", "Transpose", Attrs::new().with("perm", perm), &[product])?;
    g.add_output("y", y);
    Ok(Lowering::Expand(g))
}
