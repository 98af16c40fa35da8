//! `dlc.CountGrams`: how often each of some n-grams of one length occurs in each row, its items up to `max_skip_count`
//! items apart, all equally far. Ours: what `TfIdfVectorizer` is computed by.
//!
//! Operands: items i64[rows, n], n-grams i64[m, length]. Result: f32[rows, m].

use crate::lower::{Comp, Expr, Lowering, Monoid, Ty};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(CountGramsAttrs {
    /// Most items between two neighbours of an n-gram.
    max_skip_count: i64 = 0,
});

pub struct CountGrams;

/// Items of an n-gram.
fn length(grams: &Fact) -> Result<i64> {
    match grams.shape.get(1).and_then(|d| d.as_const()) {
        Some(n) if n > 0 && grams.rank() == 2 => Ok(n),
        _ => bail!("operand grams is {grams}, expected [m,length] with a known length"),
    }
}

impl Op for CountGrams {
    fn name(&self) -> &'static str {
        "CountGrams"
    }
    fn domain(&self) -> &'static str {
        "dlc"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        CountGramsAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn constant_sizes(&self) -> &'static [usize] {
        &[1]
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (items, grams) = (need(x, 0, "items")?, need(x, 1, "grams")?);
        length(grams)?;
        let fits = items.rank() == 2 && items.dtype == DType::I64 && grams.dtype == DType::I64;
        ensure!(fits, "operands are {items} and {grams}, expected i64 matrices");
        let skips = CountGramsAttrs::read(c.attrs)?.max_skip_count;
        ensure!((0..1 << 31).contains(&skips), "max_skip_count is {skips}, expected 0 or more");
        Ok(vec![Fact::new(DType::F32, [items.shape[0].clone(), grams.shape[0].clone()])])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (items, grams) = (need(x, 0, "items")?, need(x, 1, "grams")?);
        let ([rows, n], [m, length]) = ([items.shape()[0], items.shape()[1]], [grams.shape()[0], grams.shape()[1]]);
        let skips = CountGramsAttrs::read(c.attrs)?.max_skip_count as usize;
        let mut out = vec![];
        for (row, g) in (0..rows).flat_map(|row| (0..m).map(move |g| (row, g))) {
            let mut count = 0;
            for step in 1..=(skips + 1).min(n) {
                for i in 0..n.saturating_sub((length - 1) * step) {
                    let same = |j: usize| items.at(row * n + i + j * step) == grams.at(g * length + j);
                    count += (0..length).all(same) as i128;
                }
            }
            out.push(Num::I(count));
        }
        Ok(vec![Tensor::new(DType::F32, &[rows, m], out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (items, grams) = (need(x, 0, "items")?, need(x, 1, "grams")?);
        let (length, n) = (length(grams)?, &items.shape[1]);
        let steps = CountGramsAttrs::read(c.attrs)?.max_skip_count + 1;
        let (row, gram, step, i) = (Expr::var(0), Expr::var(1), Expr::var(2).add(&Expr::int(1)), Expr::var(3));
        let item = |j: i64| i.add(&step.mul(&Expr::int(j)));
        let zero = Expr::num(Ty::F32, 0.0);
        let same = |j: i64, then: Expr| {
            let a = Expr::load(0, items, vec![row.clone(), item(j)]);
            a.eq(&Expr::load(1, grams, vec![gram.clone(), Expr::int(j)])).select(&then, &zero)
        };
        let hit = (0..length).rev().fold(Expr::num(Ty::F32, 1.0), |then, j| same(j, then));
        let inside = item(length - 1).lt(&Expr::size(n)).select(&hit, &zero);
        let total = Expr::reduce(Monoid::Sum, vec![(2, steps.into()), (3, n.clone())], inside);
        Ok(Lowering::Comps(vec![Comp::new(&y[0], total)]))
    }
    fn samples(&self) -> Vec<Sample> {
        let items = Tensor::i64(&[2, 6], &[1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8]);
        let pairs = Tensor::i64(&[3, 2], &[3, 3, 6, 8, 1, 7]);
        let skip = |n: i64| Attrs::new().with("max_skip_count", n);
        vec![
            Sample::new(Attrs::new(), vec![items.clone(), pairs.clone()]),
            Sample::new(skip(9), vec![items.clone(), pairs]),
            Sample::new(skip(0), vec![items, Tensor::i64(&[2, 1], &[3, 8])]),
        ]
    }
}
