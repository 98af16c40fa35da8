//! How the rows of a product are cut into strips, each as high as a tile, and strips into pieces of work.

use crate::builder::Builder;
use crate::ir::Reg;
use dlc_ir::Dim;
use dlc_ir::lower::Bin;

/// Rows one piece of work covers at most: what a panel is packed for.
const ROWS: i64 = 120;

/// Heights of strips.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Strips {
    /// A known number of rows: strips that differ by one row at most.
    Even {
        /// Number of strips.
        count: i64,
        /// Strips in a piece of work.
        per_piece: i64,
        /// Rows of a strip; the first `higher` have one more.
        low: i64,
        /// See `low`.
        higher: i64,
    },
    /// An unknown number: whole tiles of so many rows, then halves of tiles.
    Whole(i64),
}

impl Strips {
    /// The strips of `m` rows by tiles of `tall` rows at most.
    pub fn of(m: &Dim, tall: usize) -> Strips {
        let tall = tall as i64;
        let Some(m) = m.as_const().filter(|m| *m > 0) else { return Strips::Whole(tall) };
        let count = (m + tall - 1) / tall;
        let pieces = (count + ROWS / tall - 1) / (ROWS / tall);
        Strips::Even { count, per_piece: (count + pieces - 1) / pieces, low: m / count, higher: m % count }
    }

    /// Rows of a piece of work, the last may have less.
    pub fn rows(self) -> i64 {
        match self {
            Strips::Even { per_piece, low, higher, .. } => per_piece * (low + i64::from(higher > 0)),
            Strips::Whole(tall) => ROWS / tall * tall,
        }
    }

    /// Pieces of work of `m` rows.
    pub fn pieces(self, m: &Dim) -> Dim {
        match self {
            Strips::Even { count, per_piece, .. } => ((count + per_piece - 1) / per_piece).into(),
            Strips::Whole(_) => m.ceil_div(&self.rows().into()),
        }
    }

    /// Calls `f` for the rows of a piece: from, to, and the height of the strips between.
    pub fn sweep(self, b: &mut Builder, m: &Dim, piece: Reg, f: &mut dyn FnMut(&mut Builder, Reg, Reg, usize)) {
        match self {
            Strips::Even { count, per_piece, low, higher } => {
                let (size, all, limit) = (b.index(per_piece), b.index(count), b.index(higher));
                let first = b.mul(piece, size);
                let last = b.add(first, size);
                let last = b.bin(Bin::Min, last, all);
                if higher > 0 {
                    let (from, to) = (b.bin(Bin::Min, first, limit), b.bin(Bin::Min, last, limit));
                    let height = b.index(low + 1);
                    let (from, to) = (b.mul(from, height), b.mul(to, height));
                    f(b, from, to, (low + 1) as usize);
                }
                let (from, to) = (b.bin(Bin::Max, first, limit), b.bin(Bin::Max, last, limit));
                let height = b.index(low);
                let (from, to) = (b.mul(from, height), b.mul(to, height));
                let (from, to) = (b.add(from, limit), b.add(to, limit));
                f(b, from, to, low as usize);
            }
            Strips::Whole(tall) => {
                let (rows, m, height) = (b.index(self.rows()), b.size(m), b.index(tall));
                let row = b.mul(piece, rows);
                let end = b.add(row, rows);
                let end = b.bin(Bin::Min, end, m);
                let rows = b.bin(Bin::Sub, end, row);
                let left = b.bin(Bin::Rem, rows, height);
                let mut lo = b.bin(Bin::Sub, end, left);
                f(b, row, lo, tall as usize);
                for height in [8, 4, 2, 1].into_iter().filter(|h| *h < tall) {
                    let left = b.bin(Bin::Sub, end, lo);
                    let mask = b.index(!(height - 1));
                    let part = b.bin(Bin::And, left, mask);
                    let hi = b.add(lo, part);
                    f(b, lo, hi, height as usize);
                    lo = hi;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_are_even() {
        let of = |m: i64| Strips::of(&m.into(), 14);
        assert_eq!(of(128), Strips::Even { count: 10, per_piece: 5, low: 12, higher: 8 });
        assert_eq!(of(28), Strips::Even { count: 2, per_piece: 2, low: 14, higher: 0 });
        assert_eq!(of(3), Strips::Even { count: 1, per_piece: 1, low: 3, higher: 0 });
        assert_eq!((of(128).rows(), of(128).pieces(&128.into())), (65, 2.into()));
        assert_eq!(Strips::of(&Dim::sym("m"), 14), Strips::Whole(14));
    }
}
