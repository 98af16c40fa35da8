//! Products of bytes: sums of four neighbours at a time ([`crate::ir::Inst::Dot`]), exact in 32 bits.
//!
//! The first factor is read where it is: four elements that lie side by side are one word for all lanes. The second is
//! constant and packed for it, `[panel][sums of the columns][fours][columns][4]`. Instructions want the first factor
//! unsigned and the second signed, so that others are moved by 128; what that and the zero points add is
//! `zero * sum of the column`, taken off before; where the second factor has zero points left, so is that times the sum of
//! the row. Runs of the first factor whose length is no multiple of four end in zeros.

use super::{At, Axes, Job, Strip, Tiles, count, offset};
use crate::builder::Builder;
use crate::ir::{Buf, Reg, Type};
use crate::level::Level;
use crate::scalar::Scalar;
use dlc_ir::lower::affine::Linear;
use dlc_ir::lower::rewrite::{collapse, collapse_reduce, depends};
use dlc_ir::lower::{Bin, Contract, E, Expr, Slot, Ty};
use dlc_ir::{DType, Dim};

/// Moves between the signed and the unsigned bytes.
pub const FLIP: i64 = 128;

/// A contraction of bytes whose second factor is constant.
#[derive(Clone, Debug)]
pub struct Bytes {
    /// First factor, a load, over the merged summed axes and rows.
    a: Expr,
    /// Summed axes, merged as the first factor allows; it steps by one element along the last.
    pub k: Vec<(u32, i64)>,
    /// Rows, merged as the first factor allows.
    m: Vec<(u32, Dim)>,
    /// What is taken off the first factor.
    zero: Option<Expr>,
    /// The second factor, a load.
    pub b: Expr,
    /// What is taken off the second factor.
    pub b_zero: Option<Expr>,
}

impl Bytes {
    /// Elements of the first factor that are read side by side.
    pub fn run(&self) -> i64 {
        self.k.last().map_or(1, |k| k.1)
    }

    /// Runs of a sum.
    pub fn runs(&self) -> i64 {
        self.k.iter().rev().skip(1).map(|k| k.1).product()
    }

    /// Bytes of a panel.
    pub fn panel(&self, level: Level) -> i64 {
        (1 + self.runs() * fours(self.run())) * level.columns() as i64 * 4
    }

    /// Whether the first factor is signed, and read as 128 more.
    fn flipped(&self) -> bool {
        dtype(&self.a) == DType::I8
    }

    /// How far the second factor is moved, to be signed.
    pub fn moved(&self) -> i64 {
        if dtype(&self.b) == DType::U8 { FLIP } else { 0 }
    }
}

/// Signed bytes as unsigned ones, each 128 more.
pub fn flip(b: &mut Builder, x: Reg) -> Reg {
    let flip = b.int(b.ty(x), 0x8080_8080u32 as i32 as i64);
    b.bin(Bin::Xor, x, flip)
}

/// Words of so many bytes.
pub fn fours(bytes: i64) -> i64 {
    (bytes + 3) / 4
}

/// First columns of the vectors of a panel. Vectors of the last columns reach back to be whole.
pub fn first_columns(level: Level, columns: usize, panel: usize) -> Vec<usize> {
    let lanes = level.lanes();
    let starts = (0..level.columns()).step_by(lanes).map(|j| panel * level.columns() + j);
    starts.filter(|s| *s < columns).map(|s| s.min(columns - lanes)).collect()
}

fn dtype(load: &Expr) -> DType {
    match &**load {
        E::Load { dtype, .. } => *dtype,
        _ => DType::F32,
    }
}

/// A load of bytes, and what is taken off it.
pub fn shifted(e: &Expr) -> Option<(Expr, Option<Expr>)> {
    let (load, zero) = match &**e {
        E::Bin(Bin::Sub, x, zero) => (x, Some(zero.clone())),
        _ => (e, None),
    };
    let bytes = matches!(&**load, E::Load { dtype: DType::I8 | DType::U8, slot: Slot::X(_), .. });
    bytes.then(|| (load.clone(), zero))
}

/// The contraction as one of bytes, if it is one whose sums, columns and runs are known.
pub fn bytes(level: Level, c: &Contract) -> Option<Bytes> {
    let axes = Axes::of(c);
    let ((a, zero), (b, b_zero)) = (shifted(&c.a)?, shifted(&c.b)?);
    let fixed = |z: &Option<Expr>, with: &[(u32, Dim)]| z.as_ref().is_none_or(|z| !depends(z, with));
    let wide = count(&axes.n).as_const().is_some_and(|n| n >= level.lanes() as i64);
    let zeros = fixed(&zero, &[&axes.m[..], &axes.k].concat()) && fixed(&b_zero, &axes.k);
    if c.acc != Ty::I32 || !wide || !zeros {
        return None;
    }
    let (k, a) = collapse_reduce(&axes.k, &a);
    let (m, a) = collapse(axes.m, &a);
    let k = k.iter().map(|(v, d)| Some((*v, d.as_const().filter(|n| *n > 0)?))).collect::<Option<Vec<_>>>()?;
    let (last, _) = k.last()?;
    let side_by_side = address(&a).is_some_and(|l| l.step(*last).is_some_and(|s| s.is_one()));
    side_by_side.then_some(Bytes { a, k, m, zero, b, b_zero })
}

fn address(load: &Expr) -> Option<Linear> {
    let E::Load { index, shape, .. } = &**load else { return None };
    Some(Linear::address(index, shape)).filter(|l| l.other.is_empty())
}

/// Whether the results of such a contraction are computed in lanes: else there is no kernel of it.
pub fn is_wide(level: Level, job: &Job) -> bool {
    super::wide_epilogue(job, &Axes::of(&job.contract)) && job.bytes && level.lanes() > 1
}

impl Tiles<'_> {
    /// One tile of so many vectors: the sums in registers, the epilogue, the store.
    pub(super) fn dot_tile(
        &self,
        b: &mut Builder,
        s: &mut Scalar,
        d: &Bytes,
        at: At,
        strip: &Strip,
        (height, vectors): (usize, usize),
    ) {
        let first = self.first_sums(b, s, d, at, vectors);
        let sums: Vec<Vec<Reg>> = match self.job.row_sums {
            true => self.without_rows(b, s, d, &first, height),
            false => (0..height).map(|_| first.iter().map(|f| b.var(*f)).collect()).collect(),
        };
        let rows = super::rows(b, &d.m, at.row, height);
        let zero = b.index(0);
        let words = b.index(4 * self.columns() as i64);
        let start = b.add(at.panel, words);
        s.scope(None, |s| self.dot_runs(b, s, d, &d.k, (start, zero), &rows, &sums));
        let columns = self.vector_columns(b, at.column, vectors);
        self.finish_lanes(b, s, at, strip, &sums, &columns);
    }

    /// First column of every vector.
    fn vector_columns(&self, b: &mut Builder, column: Reg, vectors: usize) -> Vec<Reg> {
        let lanes = self.level.lanes();
        let n = self.n.as_const().unwrap_or(0);
        let last = b.index(n - lanes as i64);
        let whole = n % lanes as i64 == 0;
        let at = |j: usize, b: &mut Builder| offset(b, column, j * lanes);
        let clamp = |b: &mut Builder, c: Reg| if whole { c } else { b.bin(Bin::Min, c, last) };
        (0..vectors)
            .map(|j| {
                let c = at(j, b);
                clamp(b, c)
            })
            .collect()
    }

    /// What sums begin with: what the first factor's zero point adds to all of them, taken off.
    fn first_sums(&self, b: &mut Builder, s: &mut Scalar, d: &Bytes, at: At, vectors: usize) -> Vec<Reg> {
        let ty = Type { elem: crate::ir::Elem::I32, lanes: self.level.lanes() as u8 };
        if d.zero.is_none() && !d.flipped() {
            let zero = b.int(ty, 0);
            return vec![zero; vectors];
        }
        let minus = self.minus_zero(b, s, d);
        let minus = b.widen(minus, ty.lanes);
        let panel = self.panel_buf(s);
        let mut first = |j: usize| {
            let sums = b.bytes(ty.lanes, panel, at.panel, 4 * (j * self.level.lanes()) as i32);
            b.mul(sums, minus)
        };
        (0..vectors).map(&mut first).collect()
    }

    /// What is added to every element of the first factor as it is read: the zero point and the move, negated.
    fn minus_zero(&self, b: &mut Builder, s: &mut Scalar, d: &Bytes) -> Reg {
        let minus = b.int(Type::scalar(crate::ir::Elem::I32), if d.flipped() { -FLIP } else { 0 });
        match &d.zero {
            Some(z) => {
                let z = s.scope(None, |s| s.eval(b, z));
                b.bin(Bin::Sub, minus, z)
            }
            None => minus,
        }
    }

    /// First sums of so many rows: the second factor's zero point times the sum of the row, less than `first`.
    fn without_rows(&self, b: &mut Builder, s: &mut Scalar, d: &Bytes, first: &[Reg], height: usize) -> Vec<Vec<Reg>> {
        let moved = b.int(Type::scalar(crate::ir::Elem::I32), d.moved());
        let zero = d.b_zero.as_ref().map(|z| s.scope(None, |s| s.eval(b, z)));
        let zero = zero.map_or(moved, |z| b.bin(Bin::Sub, z, moved));
        let at = b.index(0);
        let row = |b: &mut Builder, i: usize| {
            let sum = b.load(Type::scalar(crate::ir::Elem::I32), self.tile, DType::I32, at, i as i32);
            let off = b.mul(sum, zero);
            first
                .iter()
                .map(|f| {
                    let v = b.bin(Bin::Sub, *f, off);
                    b.var(v)
                })
                .collect()
        };
        (0..height).map(|i| row(b, i)).collect()
    }

    /// Leaves the sums of so many rows, less their zero points, in the tile's memory.
    pub(super) fn row_sums(&self, b: &mut Builder, s: &mut Scalar, row: Reg, height: usize) {
        let Some(d) = self.dots.as_ref().filter(|_| self.job.row_sums) else { return };
        let minus = s.scope(None, |s| self.minus_zero(b, s, d));
        let k = b.int(Type::scalar(crate::ir::Elem::I32), d.runs() * d.run());
        let less = b.mul(minus, k);
        let (zero, n) = (b.index(0), b.index(height as i64));
        b.for_(zero, n, 1, |b, i| {
            let row = b.add(row, i);
            let at = super::rows(b, &d.m, row, 1).remove(0);
            let sum = b.var(less);
            s.scope(None, |s| {
                d.m.iter().zip(&at).for_each(|((v, _), r)| s.bind(*v, *r));
                self.sum_runs(b, s, d, &d.k, sum);
            });
            b.store(self.tile, DType::I32, i, 0, sum);
        });
    }

    /// Adds all elements of a row to `sum`: vectors of words, and what is left one by one.
    fn sum_runs(&self, b: &mut Builder, s: &mut Scalar, d: &Bytes, k: &[(u32, i64)], sum: Reg) {
        let zero = b.index(0);
        let Some(((v, n), rest)) = k.split_first() else { return };
        let hi = b.index(*n);
        if !rest.is_empty() {
            return b.for_(zero, hi, 1, |b, i| {
                s.bind(*v, i);
                s.scope(None, |s| self.sum_runs(b, s, d, rest, sum));
            });
        }
        let (E::Load { slot, .. }, Some(l)) = (&*d.a, address(&d.a)) else { return };
        let (buf, lanes) = (s.place(*slot), self.level.lanes());
        let ty = Type { elem: crate::ir::Elem::I32, lanes: lanes as u8 };
        let (ones, none) = (b.int(ty, 0x0101_0101), b.int(ty, 0));
        let all = b.var(none);
        let whole = b.index(n / (4 * lanes as i64) * 4 * lanes as i64);
        b.for_(zero, whole, 4 * lanes as i64, |b, i| {
            s.bind(*v, i);
            let (index, offset) = s.address(b, &l);
            let x = b.bytes(lanes as u8, buf, index, offset);
            let x = if d.flipped() { flip(b, x) } else { x };
            let next = b.dot(x, ones, all);
            b.set(all, next);
        });
        let total = b.across(Bin::Add, &[all]);
        let next = b.add(sum, total);
        b.set(sum, next);
        b.for_(whole, hi, 1, |b, i| {
            s.bind(*v, i);
            let (index, offset) = s.address(b, &l);
            let x = b.load(ty.with(1), buf, DType::U8, index, offset);
            let bit = b.int(ty.with(1), FLIP);
            let x = if d.flipped() { b.bin(Bin::Xor, x, bit) } else { x };
            let next = b.add(sum, x);
            b.set(sum, next);
        });
    }

    /// Loops over the summed axes; the panel's bytes from `start` on are those of the current step.
    fn dot_runs(
        &self,
        b: &mut Builder,
        s: &mut Scalar,
        d: &Bytes,
        k: &[(u32, i64)],
        (start, zero): (Reg, Reg),
        rows: &[Vec<Reg>],
        sums: &[Vec<Reg>],
    ) {
        let Some(((v, n), rest)) = k.split_first().filter(|k| !k.1.is_empty()) else {
            return self.dot_run(b, s, d, (start, zero), rows, sums);
        };
        let under: i64 = rest[..rest.len() - 1].iter().map(|k| k.1).product();
        let (hi, stride) = (b.index(*n), b.index(under * fours(d.run()) * 4 * self.columns() as i64));
        b.for_(zero, hi, 1, |b, i| {
            s.bind(*v, i);
            let skip = b.mul(i, stride);
            let start = b.add(start, skip);
            s.scope(None, |s| self.dot_runs(b, s, d, rest, (start, zero), rows, sums));
        });
    }

    /// One run: whole words, and the bytes that are left.
    fn dot_run(
        &self,
        b: &mut Builder,
        s: &mut Scalar,
        d: &Bytes,
        (start, zero): (Reg, Reg),
        rows: &[Vec<Reg>],
        sums: &[Vec<Reg>],
    ) {
        let whole = d.run() / 4 * 4;
        let columns = b.index(self.columns() as i64);
        let step = |b: &mut Builder, s: &mut Scalar, i: Reg, bytes: i64| {
            let skip = b.mul(i, columns);
            let panel = b.add(start, skip);
            s.bind(d.k.last().map_or(u32::MAX, |k| k.0), i);
            s.scope(None, |s| self.dot_step(b, s, d, panel, bytes, rows, sums));
        };
        let end = b.index(whole);
        if whole > 0 {
            b.for_(zero, end, 4, |b, i| step(b, s, i, 4));
        }
        if d.run() > whole {
            step(b, s, end, d.run() - whole);
        }
    }

    /// Up to four products for every sum.
    fn dot_step(
        &self,
        b: &mut Builder,
        s: &mut Scalar,
        d: &Bytes,
        panel: Reg,
        bytes: i64,
        rows: &[Vec<Reg>],
        sums: &[Vec<Reg>],
    ) {
        let lanes = self.level.lanes();
        let buf = self.panel_buf(s);
        let vectors = sums.first().map_or(0, Vec::len);
        let columns: Vec<Reg> =
            (0..vectors).map(|j| b.bytes(lanes as u8, buf, panel, 4 * (j * lanes) as i32)).collect();
        for (row, sums) in rows.iter().zip(sums) {
            let x = s.scope(None, |s| self.word(b, s, d, row, bytes));
            let x = b.widen(x, lanes as u8);
            let x = if d.flipped() { flip(b, x) } else { x };
            for (sum, column) in sums.iter().zip(&columns) {
                let next = b.dot(x, *column, *sum);
                b.set(*sum, next);
            }
        }
    }

    /// So many bytes of a row of the first factor as a word.
    fn word(&self, b: &mut Builder, s: &mut Scalar, d: &Bytes, row: &[Reg], bytes: i64) -> Reg {
        d.m.iter().zip(row).for_each(|((v, _), r)| s.bind(*v, *r));
        let (buf, l): (Buf, Linear) = match (&*d.a, address(&d.a)) {
            (E::Load { slot, .. }, Some(l)) => (s.place(*slot), l),
            _ => unreachable!("the first factor is a load"),
        };
        let (index, offset) = s.address(b, &l);
        if bytes == 4 {
            return b.bytes(1, buf, index, offset);
        }
        let ty = Type::scalar(crate::ir::Elem::I32);
        let mut word = b.load(ty, buf, DType::U8, index, offset);
        for i in 1..bytes {
            let x = b.load(ty, buf, DType::U8, index, offset + i as i32);
            let by = b.int(ty, 8 * i);
            let x = b.bin(Bin::Shl, x, by);
            word = b.bin(Bin::Or, word, x);
        }
        word
    }
}
