//! Elements moved so that another axis becomes the last: squares of as many rows as lanes, read along one axis and stored along the
//! other.
//!
//! Rows are exchanged with columns in halves: first of the square, then of its quarters, until single elements are. The last
//! square along an axis reaches back rather than be a part.

use crate::builder::Builder;
use crate::ir::{Buf, Elem, Inst, Kernel, Reg, Type};
use crate::level::Level;
use crate::nest::{WORK_PER_THREAD, decompose};
use crate::scalar::{Place, Scalar};
use dlc_ir::dim::product;
use dlc_ir::lower::affine::Linear;
use dlc_ir::lower::{Bin, Cmp, E, Expr, Slot};
use dlc_ir::{DType, Dim};

/// Such a move: the last variable steps over what the one before it counts.
pub struct Transposed {
    slot: Slot,
    from: Linear,
    /// Axes around the two.
    lead: Vec<(u32, Dim)>,
    /// The axis along which elements are read, and the one along which they are stored: variable and size.
    rows: (u32, i64),
    columns: (u32, i64),
}

/// The elements of an expression over these variables as such a move, if they are one.
pub fn find(level: Level, vars: &[(u32, Dim)], e: &Expr, dtype: DType) -> Option<Transposed> {
    let E::Load { slot: slot @ Slot::X(_), dtype: DType::F32, shape, index } = &**e else { return None };
    let [lead @ .., (a, rows), (b, columns)] = vars else { return None };
    let from = Linear::address(index, shape);
    let step = |v: u32| from.step(v).and_then(|s| s.as_const());
    let lanes = level.lanes() as i64;
    let sizes = (rows.as_const().filter(|n| *n >= lanes)?, columns.as_const().filter(|n| *n >= lanes)?);
    let turned = step(*a) == Some(1) && step(*b).is_some_and(|s| s > 1) && from.other.is_empty();
    let good = turned && dtype == DType::F32 && level.has_rotate();
    let (rows, columns) = ((*a, sizes.0), (*b, sizes.1));
    good.then(|| Transposed { slot: *slot, from, lead: lead.to_vec(), rows, columns })
}

impl Transposed {
    /// Number of matrices whose axes change places.
    pub fn matrices(&self) -> Dim {
        product(self.lead.iter().map(|l| &l.1))
    }

    /// The kernel; the result is `Slot::Y(0)`.
    pub fn kernel(&self, level: Level, name: &str, place: &Place, buffers: usize) -> Kernel {
        let mut b = Builder::new(level, buffers);
        let mut s = Scalar::new(place, false);
        let lanes = level.lanes() as i64;
        let masks = masks(&mut b);
        let bands = Dim::from((self.rows.1 + lanes - 1) / lanes);
        let loops: Vec<(u32, Dim)> = self.lead.iter().cloned().chain([(BAND, bands.clone())]).collect();
        let (begin, end) = b.range();
        b.for_(begin, end, 1, |b, piece| {
            decompose(b, &mut s, &loops, piece);
            let row = first(b, s.var(BAND), lanes, self.rows.1);
            let image = b.size(&bands);
            let image = b.bin(Bin::Div, piece, image);
            let to = self.position(b, image, row);
            let (zero, n) = (b.index(0), b.index((self.columns.1 + lanes - 1) / lanes));
            b.for_(zero, n, 1, |b, number| {
                let column = first(b, number, lanes, self.columns.1);
                s.bind(self.rows.0, row);
                s.bind(self.columns.0, column);
                s.scope(None, |s| self.square(b, s, &masks, (to, column), place));
            });
        });
        let grain = Dim::from(WORK_PER_THREAD).div(&(lanes * self.columns.1).max(1).into()).max_of(&1.into());
        b.finish(name, product(loops.iter().map(|l| &l.1)), grain, 0.into())
    }

    /// Where the row `row` of the result's matrix number `image` starts.
    fn position(&self, b: &mut Builder, image: Reg, row: Reg) -> Reg {
        let (rows, columns) = (b.index(self.rows.1), b.index(self.columns.1));
        let at = b.mul(image, rows);
        let at = b.add(at, row);
        b.mul(at, columns)
    }

    /// One square; the result's is at the sum of two positions.
    fn square(&self, b: &mut Builder, s: &mut Scalar, masks: &[Reg], to: (Reg, Reg), place: &Place) {
        let lanes = b.lanes();
        let ty = Type { elem: Elem::F32, lanes: lanes as u8 };
        let (index, offset) = s.address(b, &self.from);
        let step = b.size(&self.from.step(self.columns.0).unwrap_or_default());
        let mut at = index;
        let mut rows: Vec<Reg> = vec![];
        for _ in 0..lanes {
            rows.push(b.load(ty, place(self.slot), DType::F32, at, offset));
            at = b.add(at, step);
        }
        for (k, mask) in masks.iter().enumerate() {
            exchange(b, &mut rows, lanes >> (k + 1), *mask);
        }
        let at = b.add(to.0, to.1);
        for (i, r) in rows.into_iter().enumerate() {
            b.store(place(Slot::Y(0)), DType::F32, at, (i as i64 * self.columns.1) as i32, r);
        }
    }
}

/// The variable that counts bands of rows.
const BAND: u32 = 1 << 26;

/// The first of the elements number `number` of so many lanes, of `size`.
fn first(b: &mut Builder, number: Reg, lanes: i64, size: i64) -> Reg {
    let each = b.index(lanes);
    let at = b.mul(number, each);
    if size % lanes == 0 {
        return at;
    }
    let last = b.index(size - lanes);
    b.bin(Bin::Min, at, last)
}

/// For halves, quarters and so on down to single lanes: which lanes are in the second of each two.
fn masks(b: &mut Builder) -> Vec<Reg> {
    let lanes = b.lanes();
    let (one, all) = (Type::scalar(Elem::I32), Type { elem: Elem::I32, lanes: lanes as u8 });
    let near: Buf = b.scratch(4 * lanes);
    let zero = b.index(0);
    for i in 0..lanes {
        let number = b.int(one, i as i64);
        b.store(near, DType::I32, zero, i as i32, number);
    }
    let numbers = b.load(all, near, DType::I32, zero, 0);
    let none = b.int(all, 0);
    let distances = (0..lanes.ilog2()).rev().map(|k| 1i64 << k);
    distances
        .map(|d| {
            let bit = b.int(all, d);
            let bit = b.bin(Bin::And, numbers, bit);
            b.cmp(Cmp::Ne, bit, none)
        })
        .collect()
}

/// Exchanges the second half of every group of rows `2 * distance` high, where lanes are in the first half of theirs, with the first
/// half where they are in the second.
fn exchange(b: &mut Builder, rows: &mut [Reg], distance: usize, mask: Reg) {
    let lanes = rows.len();
    for i in (0..lanes).filter(|i| i & distance == 0) {
        let (x, y) = (rows[i], rows[i + distance]);
        let ty = b.ty(x);
        let up = b.let_(ty, Inst::Rotate(x, distance as u8));
        let down = b.let_(ty, Inst::Rotate(y, (lanes - distance) as u8));
        rows[i] = b.select(mask, down, x);
        rows[i + distance] = b.select(mask, y, up);
    }
}
