//! Reductions whose axes are computed: which axes go is decided by data, so that all sizes are.
//!
//! Every axis has a size in the result and an extent that is reduced, of which one is 1: element `v + r` of the axis is
//! read, `v` the index into the result and `r` the one reduced over. Where reduced axes are dropped, 0 or 1 says for
//! each axis of the operand and each of the result whether they are one.

use super::computed_axes::{Axes, checked, count, counted};
use super::convert::convert;
use super::movement::dynamic;
use crate::lower::{Comp, Expr, Lowering};
use crate::{Ctx, Dim, Fact, Result, ensure};

/// A reduction along axes that operand 1 gives.
pub struct Computed<'a> {
    /// Operand 0.
    pub x: &'a Fact,
    /// Operand 1.
    pub axes: &'a Fact,
    /// Whether reduced axes stay with extent 1.
    pub keepdims: bool,
    /// Whether no axes means to reduce none instead of all.
    pub noop: bool,
}

impl Computed<'_> {
    /// Number of axes of the result.
    fn rank(&self) -> Result<usize> {
        let (axes, rank) = (self.axes, self.x.rank());
        ensure!(axes.rank() == 1 && axes.dtype.is_int(), "operand axes is {axes}, expected a vector of integers");
        ensure!(rank > 0, "operand data is {}, which has no axis that could be reduced", self.x);
        if self.keepdims {
            return Ok(rank);
        }
        let n = count(axes)?;
        ensure!(n <= rank, "operand axes is {axes}, expected {rank} axes at most");
        Ok(rank - n)
    }

    /// The result.
    pub fn infer(&self, c: &Ctx) -> Result<Fact> {
        Ok(Fact::new(self.x.dtype, (0..self.rank()?).map(|k| c.fresh(k))))
    }

    fn axes(&self) -> Axes<'_> {
        Axes { slot: 1, list: self.axes, rank: self.x.rank() }
    }

    /// Whether axis `i` is reduced.
    fn reduced(&self, i: usize) -> Expr {
        let n = &self.axes.shape[0];
        match self.noop || n.at_least(1) {
            true => self.axes().named(i),
            false => self.axes().named(i).or(&Expr::size(n).eq(&Expr::int(0))),
        }
    }

    /// Values of the fresh symbols: sizes of the result, extents that are reduced, and which axis of the operand is
    /// which of the result.
    fn sizes(&self) -> Result<Vec<Expr>> {
        let (int, m, rank) = (Expr::int, self.rank()?, self.x.rank());
        let reduced: Vec<Expr> = (0..rank).map(|i| self.reduced(i)).collect();
        let size = |i: usize| Expr::size(&self.x.shape[i]);
        let extents = (0..rank).map(|i| reduced[i].select(&size(i), &int(1)));
        if self.keepdims {
            let kept = (0..rank).map(|i| reduced[i].select(&int(1), &size(i)));
            return Ok(checked(&self.axes().exist(), kept.chain(extents).collect()));
        }
        let stays: Vec<Expr> = reduced.iter().map(|r| r.select(&int(0), &int(1)).eq(&int(1))).collect();
        let before = counted(&stays);
        let one = |i: usize, j: usize| stays[i].and(&before[i].eq(&int(j as i64))).select(&int(1), &int(0));
        let same: Vec<Expr> = (0..rank * m).map(|at| one(at / m, at % m)).collect();
        let kept = (0..m).map(|j| (0..rank).fold(int(0), |sum, i| sum.add(&same[i * m + j].mul(&size(i)))));
        let all = kept.chain(extents).chain(same.iter().cloned()).collect();
        Ok(checked(&before[rank].eq(&int(m as i64)), all))
    }

    /// The result `y`, from an element, the variables to reduce over and their number of values.
    pub fn lowering(&self, c: &Ctx, y: &Fact, f: impl Fn(&Expr, Vec<(u32, Dim)>, &Expr) -> Expr) -> Result<Lowering> {
        let (m, rank) = (self.rank()?, self.x.rank());
        let over: Vec<(u32, Dim)> = (0..rank).map(|i| ((m + i) as u32, c.fresh(m + i))).collect();
        let at = |i: usize| match self.keepdims {
            true => Expr::var(i as u32),
            false => (0..m).fold(Expr::int(0), |sum, j| {
                sum.add(&Expr::var(j as u32).mul(&Expr::size(&c.fresh(m + rank + i * m + j))))
            }),
        };
        let index = (0..rank).map(|i| at(i).add(&Expr::var((m + i) as u32))).collect();
        let n = Expr::size(&crate::dim::product(over.iter().map(|v| &v.1)));
        let e = f(&Expr::load(0, self.x, index), over, &n);
        let fill = Lowering::Comps(vec![Comp::new(y, convert(&e, y.dtype))]);
        Ok(dynamic(c, &self.sizes()?, fill))
    }
}
