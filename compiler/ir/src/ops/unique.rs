//! `Unique`: the different elements, or slices of an axis. <https://onnx.ai/onnx/operators/onnx__Unique.html>

use super::common::elementwise::sample_floats;
use super::common::movement::ints;
use super::common::order::{Lane, above, compare};
use super::common::scatter::nest;
use crate::lower::{Expr, Lowering, Monoid, Proc, Slot, Stmt, Ty, for_, if_, set, store};
use crate::op::{Strings, axis, need};
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, dim};
use std::cmp::Ordering;

attrs!(UniqueAttrs {
    /// The axis whose slices are compared; absent compares elements.
    axis: Option<i64>,
    /// In ascending order (true) or in order of first occurrence.
    sorted: bool = true,
});

pub struct Unique;

/// The operand's shape as (before, items, after): the axis in the middle, or all elements as items.
fn parts(c: &Ctx, shape: &[Dim]) -> Result<([Dim; 3], Option<usize>)> {
    let Some(a) = UniqueAttrs::read(c.attrs)?.axis else {
        return Ok(([1.into(), dim::product(shape), 1.into()], None));
    };
    let a = axis(a, shape.len())?;
    Ok(([dim::product(&shape[..a]), shape[a].clone(), dim::product(&shape[a + 1..])], Some(a)))
}

/// The slices that are compared, of a tensor seen as (before, items, after).
struct Items<'a> {
    x: &'a Tensor,
    sizes: [usize; 3],
}

impl Items<'_> {
    fn at(&self, b: usize, i: usize, a: usize) -> Num {
        self.x.at((b * self.sizes[1] + i) * self.sizes[2] + a)
    }

    /// Order of slices `i` and `j`: that of the first element in which they differ.
    fn order(&self, i: usize, j: usize) -> Ordering {
        let [before, _, after] = self.sizes;
        let elements = (0..before).flat_map(|b| (0..after).map(move |a| (b, a)));
        let orders = elements.map(|(b, a)| compare(self.at(b, i, a), self.at(b, j, a)));
        orders.into_iter().find(|o| *o != Ordering::Equal).unwrap_or(Ordering::Equal)
    }

    /// The first of every group of equal slices.
    fn firsts(&self, sorted: bool) -> Vec<usize> {
        let mut out: Vec<usize> = vec![];
        for i in 0..self.sizes[1] {
            if !out.iter().any(|f| self.order(*f, i) == Ordering::Equal) {
                out.push(i);
            }
        }
        if sorted {
            out.sort_by(|i, j| self.order(*i, *j));
        }
        out
    }

    /// The elements of these slices, row-major.
    fn values(&self, slices: &[usize]) -> Vec<Num> {
        let [before, _, after] = self.sizes;
        let mut out = vec![];
        for b in 0..before {
            out.extend(slices.iter().flat_map(|i| (0..after).map(move |a| self.at(b, *i, a))));
        }
        out
    }
}

impl Op for Unique {
    fn name(&self) -> &'static str {
        "Unique"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        UniqueAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn results(&self) -> Arity {
        Arity::range(1, 4)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|_| true)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = need(x, 0, "X")?;
        let ([_, items, _], on) = parts(c, &x.shape)?;
        let n = c.fresh(0);
        let mut shape = if on.is_some() { x.shape.clone() } else { vec![n.clone()] };
        shape[on.unwrap_or(0)] = n.clone();
        let list = |n: Dim| Fact::new(DType::I64, [n]);
        let mut y = vec![Fact::new(x.dtype, shape), list(n.clone()), list(items), list(n)];
        y.truncate(c.outputs);
        Ok(y)
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "X")?;
        let (parts, on) = parts(c, &x.type_fact().shape)?;
        let items = Items { x, sizes: parts.map(|d| d.as_const().unwrap_or(0) as usize) };
        let firsts = items.firsts(UniqueAttrs::read(c.attrs)?.sorted);
        let group = |i: usize| firsts.iter().position(|f| items.order(*f, i) == Ordering::Equal).unwrap_or(0) as i64;
        let groups: Vec<i64> = (0..items.sizes[1]).map(group).collect();
        let count = |g: usize| groups.iter().filter(|k| **k == g as i64).count() as i64;
        let counts: Vec<i64> = (0..firsts.len()).map(count).collect();
        let mut shape = if on.is_some() { x.shape().to_vec() } else { vec![0] };
        shape[on.unwrap_or(0)] = firsts.len();
        let indices: Vec<i64> = firsts.iter().map(|f| *f as i64).collect();
        let values = Tensor::new(x.dtype(), &shape, items.values(&firsts));
        let mut y = vec![values, ints(&indices), ints(&groups), ints(&counts)];
        y.truncate(c.outputs);
        Ok(y)
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let x = need(x, 0, "X")?;
        let g = Groups::new(c, x)?;
        let size = Fact::new(DType::I64, [1.into()]);
        let mut count = g.find();
        count.push(store(0, &size, vec![Expr::int(0)], reg(COUNT)));
        let mut fill = g.find();
        fill.extend(g.number(UniqueAttrs::read(c.attrs)?.sorted));
        fill.extend(g.results(y));
        let proc_ = |body: Vec<Stmt>| Proc { scratch: g.scratch(), parallel: None, body };
        Ok(Lowering::Dynamic {
            count: proc_(count),
            symbols: vec![c.fresh_name(0)],
            fill: Box::new(Lowering::Proc(proc_(fill))),
        })
    }
    fn samples(&self) -> Vec<Sample> {
        let all = |a: Attrs, x: Tensor, outputs| Sample { outputs, ..Sample::new(a, vec![x]) };
        let unsorted = Attrs::new().with("sorted", 0i64);
        let rows = Tensor::f32(&[4, 2], &[1.0, 0.0, 1.0, 0.0, 2.0, 3.0, 0.0, 4.0]);
        let on = |a: i64| Attrs::new().with("axis", a);
        vec![
            all(Attrs::new(), ints(&[2, 1, 1, 3, 4, 3]), 4),
            all(unsorted.clone(), ints(&[2, 1, 1, 3, 4, 3]), 4),
            all(on(0), rows.clone(), 4),
            all(on(-1), rows.clone(), 1),
            all(on(1), sample_floats(&[2, 3, 2], 1), 2),
            all(unsorted.with("axis", 0i64), rows, 3),
            all(Attrs::new(), Tensor::f32(&[3], &[f32::NAN, 1.0, f32::NAN]), 4),
        ]
    }
}

/// Register: number of groups.
const COUNT: u32 = 16;
/// Temporaries beside the two of the sorted lane: group of an item in sorted order, first item of a group, number of
/// a group in the result.
const GROUP: usize = 2;
const FIRST: usize = 3;
const NUMBER: usize = 4;

fn reg(r: u32) -> Expr {
    Expr::reg(r, Ty::I64)
}

/// Items sorted and cut into groups of equals.
struct Groups {
    x: Fact,
    on: Option<usize>,
    before: Dim,
    after: Dim,
    lane: Lane,
}

impl Groups {
    fn new(c: &Ctx, x: &Fact) -> Result<Self> {
        let ([before, items, after], on) = parts(c, &x.shape)?;
        let lane = Lane { slot: 0, lanes: 1.into(), n: items, row: Expr::int(0) };
        Ok(Groups { x: x.clone(), on, before, after, lane })
    }

    fn scratch(&self) -> Vec<(DType, Vec<Dim>)> {
        let list = || (DType::I64, vec![self.lane.n.clone()]);
        self.lane.scratch().into_iter().chain([list(), list(), list()]).collect()
    }

    fn get(&self, slot: usize, i: &Expr) -> Expr {
        Expr::load_slot(Slot::T(slot), DType::I64, std::slice::from_ref(&self.lane.n), vec![i.clone()])
    }

    fn put(&self, slot: usize, i: &Expr, value: Expr) -> Stmt {
        Stmt::Store { slot: Slot::T(slot), dtype: DType::I64, index: vec![i.clone()], value }
    }

    /// Element `e` of slice `i`; elements are numbered over the axes before and after.
    fn element(&self, i: &Expr, e: &Expr) -> Expr {
        let after = Expr::size(&self.after);
        let linear = e.div(&after).mul(&Expr::size(&self.lane.n)).add(i).mul(&after).add(&e.rem(&after));
        let (mut rest, mut index) = (linear, vec![]);
        for d in self.x.shape.iter().rev() {
            index.insert(0, rest.rem(&Expr::size(d)));
            rest = rest.div(&Expr::size(d));
        }
        Expr::load(0, &self.x, index)
    }

    fn len(&self) -> Dim {
        self.before.clone() * self.after.clone()
    }

    /// First element where slices `i` and `j` differ, or their length. Reduces over variable `var`.
    fn differs(&self, i: &Expr, j: &Expr, var: u32) -> Expr {
        let (e, len) = (Expr::var(var), Expr::size(&self.len()));
        let (a, b) = (self.element(i, &e), self.element(j, &e));
        let at = above(&a, &b).or(&above(&b, &a)).select(&e, &len);
        Expr::reduce(Monoid::Min, vec![(var, self.len())], at).min(&len)
    }

    /// Sorts the items; then groups of equal neighbours: the group of every sorted item, the first item of each group.
    fn find(&self) -> Vec<Stmt> {
        let len = Expr::size(&self.len());
        let before = |i: &Expr, j: &Expr| {
            let e = self.differs(i, j, 90);
            e.lt(&len).select(&above(&self.element(j, &e), &self.element(i, &e)), &Expr::bool(false))
        };
        let mut body = self.lane.sort(0, 0, &before);
        let (i, one) = (Expr::var(3), Expr::int(1));
        let (item, previous) = (self.lane.load(&i), self.lane.load(&i.sub(&one)));
        let same = i.gt(&Expr::int(0)).select(&self.differs(&previous, &item, 91).ge(&len), &Expr::bool(false));
        let start = vec![self.put(FIRST, &reg(COUNT), item.clone()), set(COUNT, reg(COUNT).add(&one))];
        let step =
            vec![Stmt::If { cond: same, then: vec![], els: start }, self.put(GROUP, &item, reg(COUNT).sub(&one))];
        body.extend([set(COUNT, Expr::int(0)), for_(3, &self.lane.n, step)]);
        body
    }

    /// Numbers the groups as the result has them.
    fn number(&self, sorted: bool) -> Vec<Stmt> {
        let (i, next) = (Expr::var(4), reg(COUNT + 1));
        if sorted {
            return vec![for_(4, &self.lane.n, vec![self.put(NUMBER, &i, i.clone())])];
        }
        let group = self.get(GROUP, &i);
        let first = self.get(FIRST, &group).eq(&i);
        let number = vec![self.put(NUMBER, &group, next.clone()), set(COUNT + 1, next.add(&Expr::int(1)))];
        vec![set(COUNT + 1, Expr::int(0)), for_(4, &self.lane.n, vec![if_(first, number)])]
    }

    fn results(&self, y: &[Fact]) -> Vec<Stmt> {
        let (i, g) = (Expr::var(5), Expr::var(6));
        let number = self.get(NUMBER, &g);
        let mut group = vec![self.copy(&y[0], &self.get(FIRST, &g), &number)];
        if let Some(y) = y.get(1) {
            group.push(store(1, y, vec![number.clone()], self.get(FIRST, &g)));
        }
        if let Some(y) = y.get(3) {
            group.push(store(3, y, vec![number], Expr::int(0)));
        }
        let mut out = vec![Stmt::For { var: 6, lo: Expr::int(0), hi: reg(COUNT), body: group }];
        let of_item = self.get(NUMBER, &self.get(GROUP, &i));
        let mut item = vec![];
        if let Some(y) = y.get(2) {
            item.push(store(2, y, vec![i.clone()], of_item.clone()));
        }
        if let Some(y) = y.get(3) {
            let old = Expr::load_slot(Slot::Y(3), y.dtype, &y.shape, vec![of_item.clone()]);
            item.push(store(3, y, vec![of_item], old.add(&Expr::int(1))));
        }
        out.push(for_(5, &self.lane.n, item));
        out
    }

    /// Copies slice `from` of the operand to slice `to` of the result.
    fn copy(&self, y: &Fact, from: &Expr, to: &Expr) -> Stmt {
        let Some(on) = self.on else {
            return store(0, y, vec![to.clone()], self.element(from, &Expr::int(0)));
        };
        let others: Vec<Dim> = y.shape.iter().enumerate().filter(|(a, _)| *a != on).map(|(_, d)| d.clone()).collect();
        let with = |v: &Expr| {
            let mut index: Vec<Expr> = (10..10 + others.len() as u32).map(Expr::var).collect();
            index.insert(on, v.clone());
            index
        };
        let body = nest(10, &others, vec![store(0, y, with(to), Expr::load(0, &self.x, with(from)))]);
        Stmt::If { cond: Expr::bool(true), then: body, els: vec![] }
    }
}
