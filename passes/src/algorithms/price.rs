//! Times of the ways to compute a convolution.

use super::{Candidate, Way, fourier, winograd};
use dlc_ir::ops::common::fourier::LANES;

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
    /// Products a second of a convolution of single channels.
    pub taps: f64,
    /// Sums and products of whole vectors a second of transforms of spectra.
    pub vectors: f64,
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
        taps: 53e9,
        vectors: 4.2e9,
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

/// The ways to compute a convolution of 3x3; the first is the sum as it is written.
pub(super) fn tiles(p: &Prices, s: &winograd::Shape) -> Vec<Candidate> {
    let positions = (s.images * s.height * s.width) as f64;
    let (c, k) = (s.channels as f64, s.filters as f64);
    let weights = 36.0 * c * k;
    let direct = p.product(positions, 9.0 * c, k).max(p.stream(weights)) / p.narrow;
    let mut out = vec![Candidate { way: Way::Sum, time: direct, error: 0.0 }];
    out.extend([2, 4, 6].map(|tile| {
        let (_, time) = by_tiles(p, s, tile);
        Candidate { way: Way::Winograd(tile), time, error: error(tile) * error(tile) }
    }));
    out
}

/// Seconds by tiles of a size, and whether rows of tiles should go through all steps one after the other: then filters are
/// read again for each row, and what is between the steps stays near.
pub(super) fn by_tiles(p: &Prices, s: &winograd::Shape, tile: i64) -> (bool, f64) {
    let (c, k) = (s.channels as f64, s.filters as f64);
    let (rows, across) = ((s.images * winograd::tiles(s.height, tile)) as f64, winograd::tiles(s.width, tile) as f64);
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

/// Relative error of a convolution by spectra in f32 against the sum in f64, rounded up.
const OF_SPECTRA: f64 = 3e-7;

/// Spectra of filters take so many bytes at most, or so many times what the filters do.
const SPECTRA: (f64, f64) = (16e6, 12.0);

/// Taps of single channels beyond which those outside of the image are read, too: from a copy with zeros around it.
const PADDED: i64 = 11;
/// Fewest groups of channels that go through all transforms one after the other, so that what is between them stays near.
const CHAIN: f64 = 8.0;
/// How much longer transforms take whose operands come from further away.
const FAR: f64 = 1.25;

/// The ways to compute a convolution with filters of any size: the sum as it is written, and the fastest spectra.
pub(super) fn spectra(p: &Prices, s: &fourier::Shape) -> Vec<Candidate> {
    let positions = (s.images * s.results[0] * s.results[1]) as f64;
    let (taps, channels, filters) = ((s.taps[0] * s.taps[1]) as f64, s.channels as f64, s.filters as f64);
    let direct = match s.single {
        true if s.taps.iter().any(|n| *n > PADDED) => positions * taps * channels / p.taps,
        true => s.images as f64 * channels * (s.inside(0) * s.inside(1)) as f64 / p.taps,
        false => {
            p.product(positions, taps * channels, filters).max(p.stream(4.0 * taps * channels * filters)) / p.narrow
        }
    };
    let mut out = vec![Candidate { way: Way::Sum, time: direct, error: 0.0 }];
    let sizes = fourier::SIZES.iter().flat_map(|h| fourier::SIZES.iter().map(move |w| [*h, *w]));
    let all = sizes.filter_map(|size| Some((size, time_of_spectra(p, s, &s.tiles(size)?)?)));
    if let Some((size, time)) = all.min_by(|a, b| a.1.total_cmp(&b.1)) {
        out.push(Candidate { way: Way::Fourier(size), time, error: OF_SPECTRA * OF_SPECTRA });
    }
    out
}

/// Seconds by spectra of these tiles; none if those of the filters are too large.
fn time_of_spectra(p: &Prices, s: &fourier::Shape, [down, across]: &[fourier::Tiles; 2]) -> Option<f64> {
    let [tall, wide] = [down, across].map(|t| t.count as f64);
    let frequencies = (across.size / 2 + 1) as f64 * down.size as f64;
    let operations = |n: i64| n as f64 * (3.0 * (n as f64).log2() + 2.0);
    // Vectors of channels; what is left of the last counts one by one.
    let vectors = |n: i64| (n / LANES + n % LANES) as f64;
    let row = 0.6 * wide * operations(across.size);
    let column = tall * wide * frequencies / down.size as f64 * operations(down.size);
    let there = vectors(s.channels) * (s.size[0] as f64 * row + column);
    let back = vectors(s.filters) * (s.results[0] as f64 * row + column);
    let (images, tiles) = (s.images as f64, s.images as f64 * tall * wide);
    let (channels, filters) = (s.channels as f64, s.filters as f64);
    let transforms = images * (there + back) / p.vectors;
    let read = |bytes: f64| if bytes > p.cache { bytes / p.far } else { 0.0 };
    let moved = read(8.0 * tiles * frequencies * (channels + filters));
    if s.single {
        let products = tiles * vectors(s.channels) * 6.0 * frequencies / p.vectors;
        let near = tall * wide == 1.0 && images * vectors(s.channels) >= CHAIN && s.channels % LANES == 0;
        let steps = if near { transforms + products } else { FAR * (transforms + products) + moved };
        return Some(steps + read(8.0 * channels * frequencies));
    }
    let weights = 16.0 * channels * filters * frequencies;
    let taps = 4.0 * (s.taps[0] * s.taps[1]) as f64 * channels * filters;
    let products = frequencies * p.product(tiles, 2.0 * channels, 2.0 * filters);
    let fits = weights <= SPECTRA.0.max(SPECTRA.1 * taps);
    fits.then(|| FAR * transforms + moved + products.max(p.stream(weights)))
}
