//! Convolutions of bytes with one filter for each channel, channels last: products of four taps at a time.
//!
//! A lane is a channel. The bytes of up to four taps of a row of the filter are put together in one word of the lane; the word of
//! the pixel to the left is the same moved by a byte, with one new byte, where pixels are as far apart as taps. The filters are
//! constant and packed as `[sums of the channels][rows][words][channels][4]`; zero points are taken off as in
//! [`crate::contraction::dot`].

use crate::builder::Builder;
use crate::contraction::dot::{FLIP, flip, shifted};
use crate::contraction::has_only_vector_math;
use crate::ir::{Buf, Elem, Kernel, Reg, Type};
use crate::level::Level;
use crate::nest::{WORK_PER_THREAD, decompose};
use crate::scalar::{Place, Scalar, is_wide, load_at, store_at};
use dlc_ir::dim::product;
use dlc_ir::lower::affine::{Linear, mentions};
use dlc_ir::lower::rewrite::{rewrite, substitute};
use dlc_ir::lower::{Bin, Comp, E, Expr, Monoid, SUM, Slot, Ty};
use dlc_ir::{DType, Dim};

/// Bytes of a word.
const WORD: i64 = 4;
/// Pixels computed together.
const PIXELS: i64 = 4;

/// A convolution with one filter for each channel.
#[derive(Clone, Debug)]
pub struct Depthwise {
    /// The image, a load of bytes.
    x: Expr,
    /// What is taken off it.
    zero: Option<Expr>,
    /// The filters, a load of signed bytes.
    pub w: Expr,
    /// Axes of the filter but the last, with their sizes.
    pub rows: Vec<(u32, i64)>,
    /// The last.
    pub taps: (u32, i64),
    /// What becomes of the sum.
    epilogue: Expr,
}

impl Depthwise {
    /// Words of a row of a filter.
    pub fn words(&self) -> i64 {
        (self.taps.1 + WORD - 1) / WORD
    }

    /// Rows of a filter.
    pub fn height(&self) -> i64 {
        self.rows.iter().map(|r| r.1).product()
    }

    /// Whether an expression that is not the filter reads this operand.
    pub fn reads(&self, slot: usize) -> bool {
        [Some(&self.x), self.zero.as_ref(), Some(&self.epilogue)].into_iter().flatten().any(|e| reads(e, slot))
    }
}

fn reads(e: &Expr, slot: usize) -> bool {
    let mut found = matches!(&**e, E::Load { slot: Slot::X(s), .. } if *s == slot);
    e.for_children(&mut |c| found = found || reads(c, slot));
    found
}

/// The comprehension as such a convolution, if it is one.
pub fn depthwise(level: Level, c: &Comp) -> Option<Depthwise> {
    let rank = c.shape.len() as u32;
    let channel = rank.checked_sub(1).filter(|r| *r >= 2)?;
    let wide = c.shape[channel as usize].as_const().is_some_and(|n| n >= level.lanes() as i64);
    let mut sums = vec![];
    let epilogue = rewrite(&c.expr, &mut |e| {
        matches!(**e, E::Reduce(..)).then(|| {
            sums.push(e.clone());
            Expr::reg(SUM, e.ty())
        })
    });
    let [E::Reduce(Monoid::Sum, vars, body)] = &sums.iter().map(|s| &**s).collect::<Vec<_>>()[..] else { return None };
    let single = |v: u32| vars.iter().any(|(x, d)| *x == v && d.is_one()).then(|| Expr::int(0));
    let body = substitute(body, &single);
    let E::Bin(Bin::Mul, w, x) = &*body else { return None };
    let ((w, None), (x, zero)) = (shifted(w)?, shifted(x)?) else { return None };
    let signed = matches!(&*w, E::Load { dtype: DType::I8, .. });
    let sizes = vars.iter().map(|(v, d)| Some((*v, d.as_const()?))).collect::<Option<Vec<_>>>()?;
    let mut rows: Vec<(u32, i64)> = sizes.iter().copied().filter(|(_, n)| *n > 1).collect();
    let taps = rows.pop()?;
    let at = address(&x)?;
    let step = |v: u32| at.step(v).and_then(|s| s.as_const());
    let pixels = step(rank - 2).is_some() && step(taps.0).is_some() && step(channel) == Some(1);
    let fixed = zero.as_ref().is_none_or(|z| (0..rank).chain(sizes.iter().map(|s| s.0)).all(|v| !mentions(z, v)));
    let lanes = matches!(epilogue.ty(), Ty::F32 | Ty::I32 | Ty::Bool) && is_wide(&epilogue, channel);
    let good = wide && signed && pixels && fixed && lanes && has_only_vector_math(&epilogue) && body.ty() == Ty::I32;
    good.then_some(Depthwise { x, zero, w, rows, taps, epilogue })
}

fn address(load: &Expr) -> Option<Linear> {
    let E::Load { index, shape, .. } = &**load else { return None };
    Some(Linear::address(index, shape)).filter(|l| l.other.is_empty())
}

/// The kernel, its filters packed in the place of their operand.
pub fn kernel(level: Level, name: &str, c: &Comp, d: &Depthwise, place: &Place, buffers: usize) -> Kernel {
    let rank = c.shape.len();
    let lead: Vec<(u32, Dim)> = (0..rank - 2).map(|v| (v as u32, c.shape[v].clone())).collect();
    let mut b = Builder::new(level, buffers);
    let mut s = Scalar::new(place, false);
    let row =
        Row { level, c, d, at: address(&d.x).unwrap_or_default(), channels: c.shape[rank - 1].as_const().unwrap_or(0) };
    let (begin, end) = b.range();
    b.for_(begin, end, 1, |b, piece| {
        decompose(b, &mut s, &lead, piece);
        let width = b.size(&c.shape[rank - 2]);
        let base = b.mul(piece, width);
        s.scope(None, |s| row.channels(b, s, base));
    });
    let each = c.shape[rank - 2].clone() * Dim::from(row.channels * d.height() * d.words());
    let grain = Dim::from(WORK_PER_THREAD).div(&each.max_of(&1.into())).max_of(&1.into());
    b.finish(name, product(lead.iter().map(|v| &v.1)), grain, 0.into())
}

/// One row of pixels.
struct Row<'a> {
    level: Level,
    c: &'a Comp,
    d: &'a Depthwise,
    /// Of the image.
    at: Linear,
    channels: i64,
}

/// What is the same for all pixels of some channels.
struct Lanes {
    /// First channel.
    channel: Reg,
    /// The filters by row and word.
    filters: Vec<Vec<Reg>>,
    /// What sums begin with.
    first: Reg,
    /// Number of the row's first pixel.
    base: Reg,
}

impl Row<'_> {
    fn lanes(&self) -> u8 {
        self.level.lanes() as u8
    }

    /// Variables of pixels and channels.
    fn vars(&self) -> (u32, u32) {
        let rank = self.c.shape.len() as u32;
        (rank - 2, rank - 1)
    }

    /// All channels, by whole vectors: the last ones reach back.
    fn channels(&self, b: &mut Builder, s: &mut Scalar, base: Reg) {
        let (zero, n) = (b.index(0), b.index(self.channels));
        b.for_(zero, n, self.lanes() as i64, |b, channel| {
            let last = b.index(self.channels - self.lanes() as i64);
            let whole = self.channels % self.lanes() as i64 == 0;
            let channel = if whole { channel } else { b.bin(Bin::Min, channel, last) };
            s.bind(self.vars().1, channel);
            s.scope(None, |s| self.pixels(b, s, channel, base));
        });
    }

    fn pixels(&self, b: &mut Builder, s: &mut Scalar, channel: Reg, base: Reg) {
        let l = self.packed(b, s, channel, base);
        let (zero, width) = (b.index(0), &self.c.shape[self.c.shape.len() - 2]);
        let tile = |b: &mut Builder, s: &mut Scalar, lo: Reg, hi: Reg, n: i64| {
            b.for_(lo, hi, n, |b, pixel| s.scope(None, |s| self.tile(b, s, &l, pixel, n)));
        };
        let n = b.size(width);
        let mask = b.index(!(PIXELS - 1));
        let whole = b.bin(Bin::And, n, mask);
        if width.as_const().is_none_or(|w| w >= PIXELS) {
            tile(b, s, zero, whole, PIXELS);
        }
        match width.as_const().map(|w| w % PIXELS) {
            Some(0) => {}
            Some(left) => tile(b, s, whole, n, left),
            None => tile(b, s, whole, n, 1),
        }
    }

    /// Filters of some channels, and what sums begin with.
    fn packed(&self, b: &mut Builder, s: &mut Scalar, channel: Reg, base: Reg) -> Lanes {
        let E::Load { slot, .. } = &*self.d.w else { unreachable!("filters are a load") };
        let buf = s.place(*slot);
        let four = b.index(WORD);
        let at = b.mul(channel, four);
        let row = |k: i64| (k * WORD * self.channels) as i32;
        let words = self.d.words();
        let filters = (0..self.d.height())
            .map(|r| (0..words).map(|j| b.bytes(self.lanes(), buf, at, row(1 + r * words + j))).collect())
            .collect();
        let first = self.first(b, s, buf, at);
        Lanes { channel, filters, first, base }
    }

    fn flipped(&self) -> bool {
        matches!(&*self.d.x, E::Load { dtype: DType::I8, .. })
    }

    fn first(&self, b: &mut Builder, s: &mut Scalar, buf: Buf, at: Reg) -> Reg {
        let ty = Type { elem: Elem::I32, lanes: self.lanes() };
        let moved = if self.flipped() { FLIP } else { 0 };
        let minus = b.int(ty.with(1), -moved);
        let minus = match &self.d.zero {
            None if moved == 0 => return b.int(ty, 0),
            None => minus,
            Some(z) => {
                let z = s.scope(None, |s| s.eval(b, z));
                b.bin(Bin::Sub, minus, z)
            }
        };
        let sums = b.bytes(self.lanes(), buf, at, 0);
        b.mul(sums, minus)
    }

    /// So many pixels.
    fn tile(&self, b: &mut Builder, s: &mut Scalar, l: &Lanes, pixel: Reg, n: i64) {
        let sums: Vec<Reg> = (0..n).map(|_| b.var(l.first)).collect();
        s.bind(self.vars().0, pixel);
        for (r, filters) in l.filters.iter().enumerate() {
            self.bind_row(b, s, r as i64);
            s.scope(None, |s| self.row(b, s, filters, &sums));
        }
        for (p, sum) in sums.iter().enumerate() {
            let p = b.index(p as i64);
            let pixel = b.add(pixel, p);
            s.scope(Some(self.vars().1), |s| self.finish(b, s, l, pixel, *sum));
        }
    }

    fn bind_row(&self, b: &mut Builder, s: &mut Scalar, row: i64) {
        let mut rest = row;
        for (v, n) in self.d.rows.iter().rev() {
            let i = b.index(rest % n);
            s.bind(*v, i);
            rest /= n;
        }
        let zero = b.index(0);
        s.bind(self.d.taps.0, zero);
    }

    /// Adds one row of the filter to all sums, from the right: words move by a byte from pixel to pixel.
    fn row(&self, b: &mut Builder, s: &mut Scalar, filters: &[Reg], sums: &[Reg]) {
        let step = |v: u32| self.at.step(v).and_then(|s| s.as_const()).unwrap_or(0);
        let (pixel, tap) = (step(self.vars().0), step(self.d.taps.0));
        let load = |b: &mut Builder, s: &mut Scalar, p: usize, t: i64| {
            let E::Load { slot, .. } = &*self.d.x else { unreachable!("the image is a load") };
            let (index, offset) = s.address(b, &self.at);
            let offset = offset + (p as i64 * pixel + t * tap) as i32;
            load_at(b, s.place(*slot), DType::U8, index, offset, self.lanes())
        };
        for (j, filter) in filters.iter().enumerate() {
            let from = j as i64 * WORD;
            let taps = (self.d.taps.1 - from).min(WORD);
            let mut right: Option<Reg> = None;
            for (p, sum) in sums.iter().enumerate().rev() {
                let mut word = load(b, s, p, from);
                match right {
                    Some(r) if pixel == tap => {
                        let moved = shift(b, r, 1);
                        word = b.bin(Bin::Or, moved, word);
                    }
                    _ => {
                        for t in 1..taps {
                            let x = load(b, s, p, from + t);
                            let x = shift(b, x, t);
                            word = b.bin(Bin::Or, word, x);
                        }
                    }
                }
                right = Some(word);
                let x = if self.flipped() { flip(b, word) } else { word };
                let next = b.dot(x, *filter, *sum);
                b.set(*sum, next);
            }
        }
    }

    fn finish(&self, b: &mut Builder, s: &mut Scalar, l: &Lanes, pixel: Reg, sum: Reg) {
        let channels = b.index(self.channels);
        let at = b.add(l.base, pixel);
        let at = b.mul(at, channels);
        let at = b.add(at, l.channel);
        s.bind(self.vars().0, pixel);
        s.bind_reg(SUM, sum);
        let x = s.eval(b, &self.d.epilogue);
        let x = b.widen(x, self.lanes());
        store_at(b, s.place(Slot::Y(0)), self.c.dtype, at, 0, x);
    }
}

/// Lanes moved up by so many bytes.
fn shift(b: &mut Builder, x: Reg, bytes: i64) -> Reg {
    let by = b.int(b.ty(x), 8 * bytes);
    b.bin(Bin::Shl, x, by)
}
