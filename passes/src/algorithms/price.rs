//! Times of the ways to compute a convolution.

use super::Candidate;
use super::winograd::{Shape, Way, tiles};

/// What one core of a device does, measured once for a class of devices: only the order of times matters.
#[derive(Clone, Copy, Debug)]
pub struct Prices {
    /// Operations a second of products in register tiles.
    pub flops: f64,
    /// How many times as fast products of factors are that are rounded to 16 bits: of the sum as it is written, and of tiles
    /// of 2 (see [`precision`](crate::precision())). 1 where none are.
    pub narrow: f64,
    /// Elements a second that a transform of tiles reads or writes while they are near, for F(2,3), F(4,3) and F(6,3): the
    /// sums of the last do not fit the registers.
    pub elements: [f64; 3],
    /// Bytes a second from beyond the second-level cache.
    pub bytes: f64,
    /// Bytes of the second-level cache.
    pub cache: f64,
    /// Bytes a second from the third-level cache.
    pub far: f64,
    /// Rows of a register tile.
    pub rows: f64,
}

impl Prices {
    /// A core of a server with vectors of 256 bits or more (fitted on a Zen 4 of 3.7 GHz to what
    /// `cargo run --release -p dlc-bench -- algorithms` prints, which also says how near the picks are).
    pub const CPU: Prices = Prices {
        flops: 108e9,
        narrow: 1.0,
        elements: [12e9, 12e9, 4.2e9],
        bytes: 24e9,
        cache: 1e6,
        far: 50e9,
        rows: 14.0,
    };

    /// Seconds of a product of `m` by `k` by `n`: a tile of few rows takes as long as one of half the rows.
    fn product(&self, m: f64, k: f64, n: f64) -> f64 {
        let whole = (m / self.rows).floor();
        let left = m - whole * self.rows;
        let rows = whole * self.rows + if left > 0.0 { left.max(self.rows / 2.0) } else { 0.0 };
        2.0 * rows * k * n / self.flops
    }

    /// Seconds beyond those of the products for bytes that are read once.
    fn stream(&self, bytes: f64) -> f64 {
        if bytes > self.cache { bytes / self.bytes } else { 0.0 }
    }
}

/// Relative error of one convolution by F(m, 3) in f32 against the sum in f64, rounded up from layers of 64 to 512 channels
/// (`cargo run --release -p dlc-bench -- algorithms`).
fn error(tile: i64) -> f64 {
    match tile {
        2 => 3e-7,
        4 => 2e-6,
        _ => 4e-6,
    }
}

/// The ways to compute a convolution; the first is the sum as it is written.
pub(super) fn candidates(p: &Prices, s: &Shape) -> Vec<Candidate> {
    let positions = (s.images * s.height * s.width) as f64;
    let (c, k) = (s.channels as f64, s.filters as f64);
    let weights = 36.0 * c * k;
    let direct = p.product(positions, 9.0 * c, k).max(p.stream(weights)) / p.narrow;
    let mut out = vec![Candidate { way: None, time: direct, error: 0.0 }];
    out.extend([2, 4, 6].map(|tile| {
        let (by_rows, time) = by_tiles(p, s, tile);
        Candidate { way: Some(Way { tile, by_rows }), time, error: error(tile) * error(tile) }
    }));
    out
}

/// Seconds by tiles of a size, and whether rows of tiles should go through all steps one after the other: then filters are
/// read again for each row, and what is between the steps stays near.
pub(super) fn by_tiles(p: &Prices, s: &Shape, tile: i64) -> (bool, f64) {
    let (c, k) = (s.channels as f64, s.filters as f64);
    let (rows, across) = ((s.images * tiles(s.height, tile)) as f64, tiles(s.width, tile) as f64);
    let products = ((tile + 2) * (tile + 2)) as f64;
    let narrow = if tile == 2 { p.narrow } else { 1.0 };
    let filters = 4.0 * products * c * k / narrow;
    let row = products * across * (c + k);
    let moved = rows * row / p.elements[(tile / 2 - 1) as usize];
    let whole = (products * p.product(rows * across, c, k) / narrow).max(p.stream(filters));
    let whole = whole + moved + 2.0 * p.stream(4.0 * rows * row);
    let again = if filters > p.cache / 2.0 { rows * filters / p.far } else { 0.0 };
    let by_rows = (rows * products * p.product(across, c, k) / narrow).max(again) + moved;
    match by_rows < whole && 4.0 * row <= 2.0 * p.cache && rows >= 8.0 {
        true => (true, by_rows),
        false => (false, whole),
    }
}
