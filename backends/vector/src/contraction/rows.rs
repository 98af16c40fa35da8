//! Rows of the first factor that lie a multiple of 4 KiB apart fall into the same few lines of the first-level cache, and push
//! each other out while a tile is computed. Such rows are copied beside each other before the tiles that read them.

use super::{Axes, count};
use crate::builder::Builder;
use crate::ir::{Buf, Reg};
use crate::level::Level;
use crate::nest::decompose;
use crate::scalar::{Scalar, load_at};
use dlc_ir::lower::affine::Linear;
use dlc_ir::lower::rewrite::collapse_reduce;
use dlc_ir::lower::{Contract, E, Expr};
use dlc_ir::{DType, Dim};

/// Bytes at which addresses use the same lines again.
const PERIOD: i64 = 4096;
/// Bytes between copied rows beyond their own: a line of the cache.
const GAP: i64 = 64;
/// Longest row that is copied, in bytes.
const LONGEST: i64 = 24 * 1024;

/// The copy of the rows of a tile.
#[derive(Clone, Debug)]
pub struct Rows {
    /// The factor over the variables of the sum.
    factor: Expr,
    /// Those variables.
    vars: Vec<(u32, Dim)>,
    /// Elements of a row.
    length: i64,
    /// Where they are copied.
    buf: Buf,
}

impl Rows {
    /// The copy, if the first factor is f32 rows that are so far apart and read by several tiles.
    pub fn of(b: &mut Builder, level: Level, c: &Contract, axes: &Axes, panels: &Dim) -> Option<Rows> {
        let (vars, factor) = collapse_reduce(&axes.k, &c.a);
        let (length, (last, run)) = (count(&vars).as_const()?, vars.last()?);
        let (m, address) = collapse_reduce(&axes.m, &factor);
        let E::Load { dtype: DType::F32, shape, index, .. } = &*address else { return None };
        let at = Linear::address(index, shape);
        let far = at.step(m.last()?.0)?.as_const()? * 4 % PERIOD == 0;
        let near = at.step(*last)?.is_one() && run.as_const()? % level.lanes() as i64 == 0 && length * 4 <= LONGEST;
        let again = panels.as_const().is_some_and(|n| n > 1);
        if !(far && near && again) {
            return None;
        }
        let buf = b.scratch(level.rows() * (length * 4 + GAP) as usize);
        Some(Rows { factor, vars, length, buf })
    }

    /// First copied element of row `i` of the tile.
    fn start(&self, i: usize) -> i32 {
        (i as i64 * (self.length + GAP / 4)) as i32
    }

    /// Copies `height` rows from `row` on.
    pub fn copy(&self, b: &mut Builder, s: &mut Scalar, axes: &Axes, row: Reg, height: usize) {
        for i in 0..height {
            let by = b.index(i as i64);
            let row = b.add(row, by);
            s.scope(None, |s| {
                decompose(b, s, &axes.m, row);
                self.copy_along(b, s, &self.vars, i);
            });
        }
    }

    fn copy_along(&self, b: &mut Builder, s: &mut Scalar, vars: &[(u32, Dim)], i: usize) {
        let Some(((v, d), rest)) = vars.split_first() else {
            let at = self.position(b, s);
            let x = s.scope(self.vars.last().map(|v| v.0), |s| s.eval(b, &self.factor));
            return b.store(self.buf, DType::F32, at, self.start(i), x);
        };
        let step = if rest.is_empty() { b.lanes() as i64 } else { 1 };
        let (zero, n) = (b.index(0), b.size(d));
        b.for_(zero, n, step, |b, k| {
            s.bind(*v, k);
            s.scope(None, |s| self.copy_along(b, s, rest, i));
        });
    }

    /// Position within a row where the sum's variables are.
    fn position(&self, b: &mut Builder, s: &Scalar) -> Reg {
        let mut at = b.index(0);
        for (i, (v, _)) in self.vars.iter().enumerate() {
            let step = b.size(&count(&self.vars[i + 1..]));
            let part = b.mul(s.var(*v), step);
            at = b.add(at, part);
        }
        at
    }

    /// Row `i` of the tile at the sum's variables.
    pub fn load(&self, b: &mut Builder, s: &Scalar, i: usize) -> Reg {
        let at = self.position(b, s);
        load_at(b, self.buf, DType::F32, at, self.start(i), 1)
    }
}
