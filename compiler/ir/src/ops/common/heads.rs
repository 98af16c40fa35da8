//! Attention over operands of which every element is at hand: the meaning that the contrib attentions share.

use crate::{DType, Num, Tensor};

/// Elements in order (batch, heads, sequence, size).
#[derive(Clone, Debug, Default)]
pub struct Heads {
    /// Images.
    pub batch: usize,
    /// Heads.
    pub heads: usize,
    /// Length of the sequence.
    pub n: usize,
    /// Elements of a head.
    pub size: usize,
    /// All elements.
    pub v: Vec<f64>,
}

impl Heads {
    /// `f(batch, head, position, element)` for every element.
    pub fn new([batch, heads, n, size]: [usize; 4], f: impl Fn(usize, usize, usize, usize) -> f64) -> Self {
        let mut v = Vec::with_capacity(batch * heads * n * size);
        crate::tensor::for_each_index(&[batch, heads, n, size], |at| v.push(f(at[0], at[1], at[2], at[3])));
        Heads { batch, heads, n, size, v }
    }

    /// The part of (batch, sequence, hidden) elements that starts at `from` in each row.
    pub fn split(t: &Tensor, heads: usize, from: usize, size: usize) -> Self {
        let (batch, n, row) = (t.shape()[0], t.shape()[1], t.shape()[2]);
        Heads::new([batch, heads, n, size], |b, h, i, d| t.at((b * n + i) * row + from + h * size + d).f())
    }

    /// A tensor of axes (batch, heads, sequence, size).
    pub fn of(t: &Tensor) -> Self {
        let s = t.shape();
        Heads { batch: s[0], heads: s[1], n: s[2], size: s[3], v: t.to_f64() }
    }

    /// One element.
    pub fn at(&self, b: usize, h: usize, i: usize, d: usize) -> f64 {
        self.v[((b * self.heads + h) * self.n + i) * self.size + d]
    }

    /// The same with the element `d` of every head `h` increased by `bias[from + h * size + d]`.
    pub fn biased(&self, bias: Option<&Tensor>, from: usize) -> Self {
        let add = |h: usize, d: usize| bias.map_or(0.0, |t| t.at(from + h * self.size + d).f());
        Heads::new([self.batch, self.heads, self.n, self.size], |b, h, i, d| self.at(b, h, i, d) + add(h, d))
    }

    /// This sequence after a past one.
    pub fn after(&self, past: Option<&Heads>) -> Self {
        let Some(p) = past else { return self.clone() };
        let at = |b, h, i, d| if i < p.n { p.at(b, h, i, d) } else { self.at(b, h, i - p.n, d) };
        Heads::new([self.batch, self.heads, self.n + p.n, self.size], at)
    }

    /// As a tensor of axes (batch, heads, sequence, size).
    pub fn tensor(&self, dtype: DType) -> Tensor {
        let shape = [self.batch, self.heads, self.n, self.size];
        Tensor::new(dtype, &shape, self.v.iter().map(|v| Num::F(*v)))
    }
}

/// The logit of `[image, head, query, key]` from the scaled product.
pub type Logit<'a> = &'a dyn Fn([usize; 4], f64) -> f64;

/// `softmax(logit(scale * q k^T)) v`, as (batch, sequence, hidden), and the probabilities. A scale of 0 is
/// `1 / sqrt(size)`; `sink` is one more logit of a head, that no value belongs to.
pub fn attend(
    [q, k, v]: [&Heads; 3],
    scale: f64,
    logit: Logit,
    sink: &dyn Fn(usize) -> f64,
    dtype: DType,
) -> [Tensor; 2] {
    let scale = if scale == 0.0 { 1.0 / (q.size as f64).sqrt() } else { scale };
    let (mut y, mut seen) = (vec![0.0; q.batch * q.n * q.heads * v.size], vec![]);
    crate::tensor::for_each_index(&[q.batch, q.heads, q.n], |at| {
        let [b, h, i] = [at[0], at[1], at[2]];
        let group = h * k.heads / q.heads;
        let product = |j: usize| (0..q.size).map(|d| q.at(b, h, i, d) * k.at(b, group, j, d)).sum::<f64>();
        let logits: Vec<f64> = (0..k.n).map(|j| logit([b, h, i, j], product(j) * scale)).collect();
        let p = softmax(&logits, sink(h));
        for d in 0..v.size {
            let to = ((b * q.n + i) * q.heads + h) * v.size + d;
            y[to] = (0..k.n).filter(|j| p[*j] != 0.0).map(|j| p[j] * v.at(b, group, j, d)).sum();
        }
        seen.extend(p);
    });
    let tensor = |shape: &[usize], v: Vec<f64>| Tensor::new(dtype, shape, v.into_iter().map(Num::F));
    [tensor(&[q.batch, q.n, q.heads * v.size], y), tensor(&[q.batch, q.heads, q.n, k.n], seen)]
}

/// Softmax with one more logit in the sum; zero where nothing is seen.
fn softmax(logits: &[f64], sink: f64) -> Vec<f64> {
    let max = logits.iter().copied().fold(sink, f64::max);
    if max == f64::NEG_INFINITY {
        return vec![0.0; logits.len()];
    }
    let e: Vec<f64> = logits.iter().map(|v| (v - max).exp()).collect();
    let sum = e.iter().sum::<f64>() + (sink - max).exp();
    e.iter().map(|e| e / sum).collect()
}

/// No sink.
pub fn no_sink(_: usize) -> f64 {
    f64::NEG_INFINITY
}

/// An element of a tensor that broadcasts to four axes; 0 without one.
pub fn bias_at(t: Option<&Tensor>, at: [usize; 4]) -> f64 {
    t.map_or(0.0, |t| t.at(crate::infer::broadcast_index(t.shape(), &at[4 - t.rank()..])).f())
}

/// Whether a padding mask shows key `j` to query `i` of image `b`; see [`super::padding_mask`].
pub fn shown(mask: Option<&Tensor>, batch: usize, [b, i, j]: [usize; 3]) -> bool {
    let Some(m) = mask else { return true };
    let s = m.shape();
    match *s {
        [n] if n == 2 * batch => (m.at(batch + b).i()..m.at(b).i()).contains(&(j as i128)),
        [_] => (j as i128) < m.at(b).i(),
        [_, keys] => m.at(b * keys + j).truth(),
        _ => m.at((b * s[1] + i) * s[2] + j).truth(),
    }
}
