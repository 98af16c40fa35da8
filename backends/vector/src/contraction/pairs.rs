//! Products of bf16 numbers, summed in f32: two neighbours at a time ([`crate::ir::Inst::Pairs`]).
//!
//! The first factor is read where it is: two elements that lie side by side are one word for all lanes. The second is packed
//! for it, `[panel][pairs of the sum][columns][2]`: when compiling where it is constant, else by the thread into its scratch
//! memory. Runs of the first factor whose length is odd end in a zero. A sum goes from the first pair to the last: what it loses for being long is far less than its factors have lost.

use super::{AHEAD, At, Axes, Strip, Tiles};
use crate::builder::Builder;
use crate::ir::{Buf, Elem, Reg, Type};
use crate::level::Level;
use crate::scalar::Scalar;
use dlc_ir::DType;
use dlc_ir::lower::affine::Linear;
use dlc_ir::lower::rewrite::{collapse, collapse_reduce};
use dlc_ir::lower::{Bin, Contract, E, Expr, Slot, Ty};

/// Bytes of a pair.
const WORD: i64 = 4;

/// A contraction of bf16 numbers.
#[derive(Clone, Debug)]
pub struct Pairs {
    /// Where the first factor is.
    slot: Slot,
    /// Its address in bytes, over the merged summed axes and rows.
    at: Linear,
    /// Summed axes, merged as the first factor allows; it steps by one element along the last.
    k: Vec<(u32, i64)>,
    /// The second factor, a load.
    pub b: Expr,
}

impl Pairs {
    /// Elements of the first factor that are read side by side.
    pub fn run(&self) -> i64 {
        self.k.last().map_or(1, |k| k.1)
    }

    /// Runs of a sum.
    fn runs(&self) -> i64 {
        self.k.iter().rev().skip(1).map(|k| k.1).product()
    }

    /// Bytes of a panel.
    pub fn panel(&self, level: Level) -> i64 {
        self.runs() * twos(self.run()) * level.columns() as i64 * WORD
    }
}

/// Pairs of so many elements.
pub fn twos(elements: i64) -> i64 {
    (elements + 1) / 2
}

/// The contraction as one of bf16 numbers, if it is one whose sums and runs are known.
pub fn pairs(level: Level, c: &Contract) -> Option<Pairs> {
    let is_bf16 = |e: &Expr| matches!(&**e, E::Load { dtype: DType::BF16, slot: Slot::X(_), .. });
    if !level.has_pairs() || c.acc != Ty::F32 || !is_bf16(&c.a) || !is_bf16(&c.b) {
        return None;
    }
    let axes = Axes::of(c);
    let (k, a) = collapse_reduce(&axes.k, &c.a);
    let (_, a) = collapse(axes.m, &a);
    let k = k.iter().map(|(v, d)| Some((*v, d.as_const().filter(|n| *n > 0)?))).collect::<Option<Vec<_>>>()?;
    let E::Load { slot, index, shape, .. } = &*a else { return None };
    let address = Linear::address(index, shape);
    let side_by_side = address.step(k.last()?.0).is_some_and(|s| s.is_one());
    let at = address.clone().plus(address.clone(), &1.into());
    (side_by_side && address.other.is_empty()).then_some(Pairs { slot: *slot, at, k, b: c.b.clone() })
}

/// Whether the second factor can be packed at run time: one summed axis, and columns or summed elements side by side.
pub fn is_packed(c: &Contract, p: &Pairs) -> bool {
    let E::Load { index, shape, .. } = &*p.b else { return false };
    let at = Linear::address(index, shape);
    let by_one = |v: Option<u32>| v.and_then(|v| at.step(v)).is_some_and(|s| s.is_one());
    let axes = Axes::of(c);
    let ([k], [n]) = (&axes.k[..], &axes.n[..]) else { return false };
    p.k.len() == 1 && at.other.is_empty() && (by_one(Some(n.0)) || (by_one(Some(k.0)) && p.run() % 2 == 0))
}

impl Tiles<'_> {
    /// Packs panels `first..last` of the current batch into scratch memory.
    pub(super) fn pack_pairs(&self, b: &mut Builder, s: &mut Scalar, p: &Pairs, first: Reg, last: Reg) {
        let E::Load { slot, index, shape, .. } = &*p.b else { return };
        let (at, buf) = (Linear::address(index, shape), s.place(*slot));
        let rows = self.axes.n.first().and_then(|n| at.step(n.0)).is_some_and(|s| s.is_one());
        b.for_(first, last, 1, |b, panel| {
            let (width, words) = (b.index(self.columns() as i64), b.index(p.panel(self.level) / WORD));
            let column = b.mul(panel, width);
            let panel = b.bin(Bin::Sub, panel, first);
            let start = b.mul(panel, words);
            s.scope(None, |s| match rows {
                true => self.pack_rows_of_pairs(b, s, p, (buf, &at), column, start),
                false => self.pack_words(b, s, p, (buf, &at), column, start),
            });
        });
    }

    /// Two rows at a time, whose columns lie side by side, become words from `start` on.
    fn pack_rows_of_pairs(
        &self,
        b: &mut Builder,
        s: &mut Scalar,
        p: &Pairs,
        (buf, at): (Buf, &Linear),
        column: Reg,
        start: Reg,
    ) {
        let (zero, lanes, width) = (b.index(0), self.level.lanes(), self.columns());
        let (k, n) = (self.axes.k[0].0, self.axes.n[0].0);
        let end = b.size(&self.n);
        for j in (0..width).step_by(lanes) {
            let column = super::offset(b, column, j);
            let (left, most) = (b.bin(Bin::Sub, end, column), b.index(lanes as i64));
            let left = b.bin(Bin::Max, left, zero);
            let left = b.bin(Bin::Min, left, most);
            let row = |b: &mut Builder, s: &mut Scalar, i: Reg| {
                s.bind(k, i);
                s.bind(n, column);
                let (index, offset) = s.address(b, at);
                let ty = Type { elem: Elem::I32, lanes: lanes as u8 };
                b.part(left, |b| b.load(ty, buf, DType::U16, index, offset))
            };
            let line = b.index(width as i64 / 2);
            let pair = |b: &mut Builder, s: &mut Scalar, i: Reg, pair: bool| {
                let mut word = row(b, s, i);
                if pair {
                    let (one, by) = (b.index(1), b.int(b.ty(word), 16));
                    let next = b.add(i, one);
                    let high = row(b, s, next);
                    let high = b.bin(Bin::Shl, high, by);
                    word = b.bin(Bin::Or, word, high);
                }
                let skip = b.mul(i, line);
                let to = b.add(start, skip);
                b.store(self.memory, DType::I32, to, j as i32, word);
            };
            let whole = b.index(p.run() / 2 * 2);
            b.for_(zero, whole, 2, |b, i| s.scope(None, |s| pair(b, s, i, true)));
            if p.run() % 2 > 0 {
                s.scope(None, |s| pair(b, s, whole, false));
            }
        }
    }

    /// Columns whose summed elements lie side by side: their words are moved one by one.
    fn pack_words(
        &self,
        b: &mut Builder,
        s: &mut Scalar,
        p: &Pairs,
        (buf, at): (Buf, &Linear),
        column: Reg,
        start: Reg,
    ) {
        let bytes = at.clone().plus(at.clone(), &1.into());
        let columns = self.column_offsets(b, s, &bytes, column);
        let rest = self.without_columns(&bytes);
        let (zero, end, line) = (b.index(0), b.index(p.run()), b.index(self.columns() as i64 / 2));
        b.for_(zero, end, 2, |b, i| {
            s.bind(self.axes.k[0].0, i);
            s.scope(None, |s| {
                let (base, offset) = s.address(b, &rest);
                let skip = b.mul(i, line);
                let to = b.add(start, skip);
                for (j, column) in columns.iter().enumerate() {
                    let from = b.add(base, *column);
                    let word = b.bytes(1, buf, from, offset);
                    b.store(self.memory, DType::I32, to, j as i32, word);
                }
            });
        });
    }

    /// Adds all products of a tile to its sums.
    pub(super) fn add_pairs(
        &self,
        b: &mut Builder,
        s: &mut Scalar,
        p: &Pairs,
        at: At,
        strip: &Strip,
        sums: &[Vec<Reg>],
    ) {
        s.scope(None, |s| self.pair_runs(b, s, p, &p.k, at.panel, &strip.factor, sums));
    }

    /// Loops over the summed axes; the panel's bytes from `panel` on are those of the current step.
    fn pair_runs(
        &self,
        b: &mut Builder,
        s: &mut Scalar,
        p: &Pairs,
        k: &[(u32, i64)],
        panel: Reg,
        rows: &[Vec<Reg>],
        sums: &[Vec<Reg>],
    ) {
        let Some(((v, n), rest)) = k.split_first().filter(|k| !k.1.is_empty()) else {
            return self.pair_run(b, s, p, panel, rows, sums);
        };
        let under: i64 = rest[..rest.len() - 1].iter().map(|k| k.1).product();
        let (zero, hi) = (b.index(0), b.index(*n));
        let stride = b.index(under * twos(p.run()) * WORD * self.columns() as i64);
        b.for_(zero, hi, 1, |b, i| {
            s.bind(*v, i);
            let skip = b.mul(i, stride);
            let panel = b.add(panel, skip);
            s.scope(None, |s| self.pair_runs(b, s, p, rest, panel, rows, sums));
        });
    }

    /// One run: whole pairs, and the element that is left.
    fn pair_run(&self, b: &mut Builder, s: &mut Scalar, p: &Pairs, panel: Reg, rows: &[Vec<Reg>], sums: &[Vec<Reg>]) {
        let whole = p.run() / 2 * 2;
        let (zero, end) = (b.index(0), b.index(whole));
        let line = b.index(self.columns() as i64 * WORD / 2);
        let step = |b: &mut Builder, s: &mut Scalar, i: Reg, pair: bool| {
            let skip = b.mul(i, line);
            let panel = b.add(panel, skip);
            s.bind(p.k.last().map_or(u32::MAX, |k| k.0), i);
            s.scope(None, |s| self.pair_step(b, s, p, panel, pair, rows, sums));
        };
        if whole > 0 {
            b.for_(zero, end, 2, |b, i| step(b, s, i, true));
        }
        if p.run() > whole {
            step(b, s, end, false);
        }
    }

    /// Two products for every sum, or one.
    fn pair_step(
        &self,
        b: &mut Builder,
        s: &mut Scalar,
        p: &Pairs,
        panel: Reg,
        pair: bool,
        rows: &[Vec<Reg>],
        sums: &[Vec<Reg>],
    ) {
        let (lanes, buf) = (self.level.lanes(), self.panel_buf(s));
        let vectors = sums.first().map_or(0, Vec::len);
        let column = |j: usize| (j * lanes) as i32 * WORD as i32;
        if self.job.packed.is_some() {
            let lines = (0..vectors).map(|j| (AHEAD * self.columns()) as i32 * WORD as i32 + column(j));
            lines.for_each(|at| b.prefetch(buf, DType::U8, panel, at));
        }
        let columns: Vec<Reg> = (0..vectors).map(|j| b.bytes(lanes as u8, buf, panel, column(j))).collect();
        for (row, sums) in rows.iter().zip(sums) {
            let x = s.scope(None, |s| self.pair(b, s, p, row, pair));
            let x = b.widen(x, lanes as u8);
            for (sum, column) in sums.iter().zip(&columns) {
                let next = b.pairs(x, *column, *sum);
                b.set(*sum, next);
            }
        }
    }

    /// Two elements of a row of the first factor as a word, or one.
    fn pair(&self, b: &mut Builder, s: &mut Scalar, p: &Pairs, row: &[Reg], pair: bool) -> Reg {
        self.first.1.iter().zip(row).for_each(|((v, _), r)| s.bind(*v, *r));
        let buf = s.place(p.slot);
        let (index, offset) = s.address(b, &p.at);
        if pair {
            return b.bytes(1, buf, index, offset);
        }
        let half = |b: &mut Builder, i: i32| b.load(Type::scalar(Elem::I32), buf, DType::U8, index, offset + i);
        let (low, high) = (half(b, 0), half(b, 1));
        let by = b.int(b.ty(high), 8);
        let high = b.bin(Bin::Shl, high, by);
        b.bin(Bin::Or, low, high)
    }
}
