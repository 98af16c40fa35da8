//! Sorting as a procedure, and the order of elements.

use crate::lower::{Expr, Slot, Stmt, Ty, Un, for_, set};
use crate::{DType, Dim, Num};
use std::cmp::Ordering;

/// Total order of elements: numbers by value, NaN above all.
pub fn compare(a: Num, b: Num) -> Ordering {
    match (a, b) {
        (Num::I(a), Num::I(b)) => a.cmp(&b),
        _ => {
            let (a, b) = (a.f(), b.f());
            a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
        }
    }
}

/// Whether `a` is above `b` in that order.
pub fn above(a: &Expr, b: &Expr) -> Expr {
    if !a.ty().is_float() {
        return a.gt(b);
    }
    let (na, nb) = (a.un(Un::IsNan), b.un(Un::IsNan));
    a.gt(b).or(&na.and(&nb.un(Un::Not)))
}

/// Indices of a lane in temporaries: `T(slot)` and `T(slot + 1)`, i64, of shape (lanes, n); `row` is the lane.
#[derive(Clone, Debug)]
pub struct Lane {
    /// Number of the first of two temporaries.
    pub slot: usize,
    /// Number of lanes.
    pub lanes: Dim,
    /// Elements of a lane.
    pub n: Dim,
    /// This lane.
    pub row: Expr,
}

impl Lane {
    /// What [`crate::lower::Proc::scratch`] must hold at `slot`.
    pub fn scratch(&self) -> [(DType, Vec<Dim>); 2] {
        [self.one(), self.one()]
    }

    fn one(&self) -> (DType, Vec<Dim>) {
        (DType::I64, vec![self.lanes.clone(), self.n.clone()])
    }

    fn load_of(&self, k: usize, i: &Expr) -> Expr {
        Expr::load_slot(Slot::T(self.slot + k), DType::I64, &self.one().1, vec![self.row.clone(), i.clone()])
    }

    fn store_of(&self, k: usize, i: &Expr, value: Expr) -> Stmt {
        let index = vec![self.row.clone(), i.clone()];
        Stmt::Store { slot: Slot::T(self.slot + k), dtype: DType::I64, index, value }
    }

    /// The index at sorted position `i`.
    pub fn load(&self, i: &Expr) -> Expr {
        self.load_of(0, i)
    }

    /// Stores the index at position `i`.
    pub fn put(&self, i: &Expr, index: Expr) -> Stmt {
        self.store_of(0, i, index)
    }

    /// Fills the lane with `0..n` sorted so that `before(i, j)` holds for no later `i` and earlier `j`; equals stay in
    /// order. Merges runs of doubling width. Uses variables `var..var + 2` and registers `reg..reg + 7`.
    pub fn sort(&self, var: u32, reg: u32, before: &dyn Fn(&Expr, &Expr) -> Expr) -> Vec<Stmt> {
        let r = |k: u32| Expr::reg(reg + k, Ty::I64);
        let (n, one) = (Expr::size(&self.n), Expr::int(1));
        let [width, lo, mid, hi, i, j, k] = std::array::from_fn(|k| r(k as u32));
        let left = j.lt(&hi).select(&before(&self.load_of(0, &j), &self.load_of(0, &i)).un(Un::Not), &Expr::bool(true));
        let left = i.lt(&mid).select(&left, &Expr::bool(false));
        let take =
            |from: &Expr, slot: u32| vec![self.store_of(1, &k, self.load_of(0, from)), set(reg + slot, from.add(&one))];
        let step = Stmt::If { cond: left, then: take(&i, 4), els: take(&j, 5) };
        let merge = Stmt::While { cond: k.lt(&hi), body: vec![step, set(reg + 6, k.add(&one))] };
        let ends = [
            set(reg + 2, lo.add(&width).min(&n)),
            set(reg + 3, lo.add(&width).add(&width).min(&n)),
            set(reg + 4, lo.clone()),
            set(reg + 5, mid.clone()),
            set(reg + 6, lo.clone()),
        ];
        let mut run = ends.to_vec();
        run.extend([merge, set(reg + 1, hi.clone())]);
        let pass = vec![
            set(reg + 1, Expr::int(0)),
            Stmt::While { cond: lo.lt(&n), body: run },
            for_(var + 1, &self.n, vec![self.store_of(0, &Expr::var(var + 1), self.load_of(1, &Expr::var(var + 1)))]),
            set(reg, width.add(&width)),
        ];
        vec![
            for_(var, &self.n, vec![self.store_of(0, &Expr::var(var), Expr::var(var))]),
            set(reg, one.clone()),
            Stmt::While { cond: width.lt(&n), body: pass },
        ]
    }
}
