//! Panels packed at run time: a convolution's patches, or a factor that is not constant.

use super::{Tiles, count};
use crate::builder::Builder;
use crate::ir::{Buf, Reg};
use crate::nest::decompose;
use crate::scalar::{Scalar, load_at, store_at};
use dlc_ir::lower::affine::Linear;
use dlc_ir::lower::rewrite::depends;
use dlc_ir::lower::{Bin, Cmp, E, Expr};
use dlc_ir::{DType, Dim};

impl Tiles<'_> {
    /// Packs panels `first..last` of the current batch into scratch memory.
    pub(super) fn pack(&self, b: &mut Builder, s: &mut Scalar, first: Reg, last: Reg) {
        b.for_(first, last, 1, |b, p| {
            let columns = b.index(self.columns() as i64);
            let column = b.mul(p, columns);
            let start = self.panel_start(b, None, first, p);
            s.scope(None, |s| match self.separable() {
                Some(l) => self.pack_load(b, s, &l, column, start),
                None => self.pack_any(b, s, column, start),
            });
        });
    }

    /// The address of the packed part, when it is a load with a linear address.
    fn separable(&self) -> Option<Linear> {
        let E::Load { shape, index, .. } = &*self.part else { return None };
        let l = Linear::address(index, shape);
        let fixed = |e: &Expr| !depends(e, &self.axes.n) && !depends(e, &self.axes.k);
        l.other.iter().all(|(e, _)| fixed(e)).then_some(l)
    }

    /// Columns that lie side by side in memory (one image row, or all of it) are copied in lanes, others one by one.
    fn pack_load(&self, b: &mut Builder, s: &mut Scalar, l: &Linear, column: Reg, start: Reg) {
        let E::Load { slot, dtype, .. } = &*self.part else { return };
        let source = (s.place(*slot), *dtype);
        let offsets = self.column_offsets(b, s, l, column);
        if !self.may_adjoin(l) {
            return self.pack_gather(b, s, l, source, &offsets, start);
        }
        let span = b.bin(Bin::Sub, offsets[self.columns() - 1], offsets[0]);
        let (side, first) = (b.index(self.columns() as i64 - 1), offsets[0]);
        let adjacent = b.cmp(Cmp::Eq, span, side);
        // Columns that repeat the last one may span as much as adjacent ones do.
        let (width, limit) = (b.index(self.columns() as i64), b.size(&self.n));
        let end = b.add(column, width);
        let full = b.cmp(Cmp::Le, end, limit);
        let adjacent = b.bin(Bin::And, adjacent, full);
        let then = b.block(|b| s.scope(None, |s| self.pack_rows(b, s, l, source, first, start)));
        let els = b.block(|b| s.scope(None, |s| self.pack_gather(b, s, l, source, &offsets, start)));
        b.push(crate::ir::Node::If { cond: adjacent, then, els });
    }

    /// Whether different columns whose first and last are as far apart as a panel is wide are consecutive: the last axis steps by one, and with
    /// at most one axis around it all steps from row to row are alike.
    fn may_adjoin(&self, l: &Linear) -> bool {
        let axes: Vec<u32> = self.axes.n.iter().filter(|a| !a.1.is_one()).map(|a| a.0).collect();
        let by_one = axes.last().and_then(|v| l.step(*v)).is_some_and(|s| s.is_one());
        by_one && axes.len() <= 2
    }

    /// The part of each column's address that depends on the column; columns beyond the last repeat it.
    pub(super) fn column_offsets(&self, b: &mut Builder, s: &mut Scalar, l: &Linear, column: Reg) -> Vec<Reg> {
        let last = b.size(&(self.n.clone() - 1.into()));
        let mut part = Linear::default();
        for (v, _) in &self.axes.n {
            if let Some(c) = l.vars.get(v) {
                part.vars.insert(*v, c.clone());
            }
        }
        let at = |b: &mut Builder, s: &mut Scalar, j: usize| {
            let j = b.index(j as i64);
            let n = b.add(column, j);
            let n = b.bin(Bin::Min, n, last);
            s.scope(None, |s| {
                decompose(b, s, &self.axes.n, n);
                s.address(b, &part).0
            })
        };
        (0..self.columns()).map(|j| at(b, s, j)).collect()
    }

    pub(super) fn without_columns(&self, l: &Linear) -> Linear {
        let mut l = l.clone();
        l.vars.retain(|v, _| !self.axes.n.iter().any(|n| n.0 == *v));
        l
    }

    fn pack_gather(
        &self,
        b: &mut Builder,
        s: &mut Scalar,
        l: &Linear,
        (buf, dtype): (Buf, DType),
        offsets: &[Reg],
        start: Reg,
    ) {
        let rest = self.without_columns(l);
        self.k_loops(b, s, start, &mut |b, s, to| {
            let (base, offset) = s.address(b, &rest);
            for (j, o) in offsets.iter().enumerate() {
                let at = b.add(base, *o);
                let x = load_at(b, buf, dtype, at, offset, 1);
                store_at(b, self.memory, self.panel, to, j as i32, x);
            }
        });
    }

    fn pack_rows(
        &self,
        b: &mut Builder,
        s: &mut Scalar,
        l: &Linear,
        (buf, dtype): (Buf, DType),
        first: Reg,
        start: Reg,
    ) {
        let rest = self.without_columns(l);
        let lanes = if dtype.size() == 4 && self.panel.size() == 4 { self.level.lanes() } else { 1 };
        self.k_loops(b, s, start, &mut |b, s, to| {
            let (base, offset) = s.address(b, &rest);
            let at = b.add(base, first);
            for j in (0..self.columns()).step_by(lanes) {
                let x = load_at(b, buf, dtype, at, offset + j as i32, lanes as u8);
                store_at(b, self.memory, self.panel, to, j as i32, x);
            }
        });
    }

    fn pack_any(&self, b: &mut Builder, s: &mut Scalar, column: Reg, start: Reg) {
        let (zero, columns) = (b.index(0), b.index(self.columns() as i64));
        let last = b.size(&(self.n.clone() - 1.into()));
        b.for_(zero, columns, 1, |b, j| {
            let n = b.add(column, j);
            let n = b.bin(Bin::Min, n, last);
            let start = b.add(start, j);
            s.scope(None, |s| {
                decompose(b, s, &self.axes.n, n);
                self.k_loops(b, s, start, &mut |b, s, to| {
                    let x = s.eval(b, &self.part);
                    store_at(b, self.memory, self.panel, to, 0, x);
                });
            });
        });
    }

    /// Loops over the summed axes; `f` gets the panel position of the row, `start + columns * k`.
    fn k_loops(&self, b: &mut Builder, s: &mut Scalar, start: Reg, f: &mut dyn FnMut(&mut Builder, &mut Scalar, Reg)) {
        fn go(
            width: usize,
            b: &mut Builder,
            s: &mut Scalar,
            vars: &[(u32, Dim)],
            at: Reg,
            f: &mut dyn FnMut(&mut Builder, &mut Scalar, Reg),
        ) {
            let Some(((v, d), rest)) = vars.split_first() else {
                return s.scope(None, |s| f(b, s, at));
            };
            let stride = b.size(&(count(rest) * Dim::from(width)));
            let mut each = |b: &mut Builder, s: &mut Scalar, i: Reg| {
                s.bind(*v, i);
                let step = b.mul(i, stride);
                let at = b.add(at, step);
                s.scope(None, |s| go(width, b, s, rest, at, f));
            };
            // The taps of a kernel are written out.
            match d.as_const().filter(|_| count(vars).as_const().is_some_and(|n| n <= 9)) {
                Some(n) => (0..n).for_each(|i| {
                    let i = b.index(i);
                    each(b, s, i);
                }),
                None => {
                    let (zero, n) = (b.index(0), b.size(d));
                    b.for_(zero, n, 1, |b, i| each(b, s, i));
                }
            }
        }
        go(self.columns(), b, s, &self.axes.k, start, f);
    }
}
