//! Choices that a seed decides.

use dlc_ir::{DType, Num, Tensor};
use dlc_models::random::SplitMix64;

/// A source of choices.
#[derive(Clone, Debug)]
pub struct Draw(SplitMix64);

impl Draw {
    /// The choices of a seed.
    pub fn new(seed: u64) -> Self {
        Draw(SplitMix64::new(seed.wrapping_mul(0x9E37_79B9).wrapping_add(1)))
    }

    /// A number in `0..n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.0.below(n as u64) as usize
    }

    /// A number in `lo..=hi`.
    pub fn range(&mut self, lo: i64, hi: i64) -> i64 {
        lo + self.below((hi - lo + 1).max(1) as usize) as i64
    }

    /// True `percent` times of a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of several.
    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// `n` numbers in `lo..=hi`.
    pub fn ints(&mut self, n: usize, lo: i64, hi: i64) -> Vec<i64> {
        (0..n).map(|_| self.range(lo, hi)).collect()
    }

    /// The numbers `0..n` in any order.
    pub fn order(&mut self, n: usize) -> Vec<usize> {
        let mut out: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            out.swap(i, self.below(i + 1));
        }
        out
    }

    /// A shape of this rank with few elements.
    pub fn shape(&mut self, rank: usize) -> Vec<usize> {
        let most = if rank > 3 { 4 } else { 7 };
        (0..rank).map(|_| if self.chance(15) { 1 } else { self.range(1, most) as usize }).collect()
    }

    /// A tensor of small numbers: multiples of 1/8 for floats, so that many sums and products are exact.
    pub fn tensor(&mut self, dtype: DType, shape: &[usize]) -> Tensor {
        let n = shape.iter().product();
        let (lo, hi) = match dtype {
            DType::Bool => (0, 1),
            DType::U8 => (0, 255),
            DType::I8 => (-128, 127),
            d if d.is_float() => (-24, 24),
            d if d.is_signed() => (-9, 9),
            _ => (0, 9),
        };
        let exact = self.chance(60);
        let value = |d: &mut Self| match dtype.is_float() {
            true if exact => Num::F(d.range(lo, hi) as f64 / 8.0),
            true => Num::F(d.0.unit() * 3.0),
            false => Num::I(d.range(lo, hi) as i128),
        };
        Tensor::new(dtype, shape, (0..n).map(|_| value(self)))
    }
}
