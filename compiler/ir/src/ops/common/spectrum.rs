//! Terms of discrete Fourier transforms, and transforms of known lengths as products with matrices.

use super::expansion::Expansion;
use crate::lower::{Expr, Ty, Un};
use crate::{Attrs, DType, Dim, Fact, Result, Tensor, Value};
use std::f64::consts::TAU;

/// Longest transform that is one product with a matrix.
const WHOLE: usize = 1024;
/// Longest one that is not done in steps where it can be, and the longest last step.
const SHORT: usize = 256;
const STEP: usize = 32;

/// `z * exp(sign * 2 pi i k t / n)` of a complex `z`; the angle is reduced first, so that it stays exact.
pub fn turned(z: (f64, f64), k: usize, t: usize, n: usize, sign: f64) -> (f64, f64) {
    let angle = TAU * ((k * t) % n.max(1)) as f64 / n.max(1) as f64;
    let (cos, sin) = (angle.cos(), sign * angle.sin());
    (z.0 * cos - z.1 * sin, z.1 * cos + z.0 * sin)
}

/// The same as expressions (F64).
pub fn turned_expr(z: (Expr, Expr), k: &Expr, t: &Expr, n: &Dim, sign: f64) -> (Expr, Expr) {
    let f = |v: f64| Expr::num(Ty::F64, v);
    let n = Expr::size(n);
    let angle = k.mul(t).rem(&n).cast(Ty::F64).mul(&f(TAU)).div(&n.cast(Ty::F64));
    let (cos, sin) = (angle.un(Un::Cos), angle.un(Un::Sin).mul(&f(sign)));
    (z.0.mul(&cos).sub(&z.1.mul(&sin)), z.1.mul(&cos).add(&z.0.mul(&sin)))
}

/// The complex element of operand `i` (F64) at `index`, which lacks the last axis: of 1 (real) or 2 parts.
pub fn complex(i: usize, x: &Fact, index: &[Expr]) -> (Expr, Expr) {
    let part = |k: i64| {
        let index = index.iter().cloned().chain([Expr::int(k)]).collect();
        Expr::load(i, x, index).cast(Ty::F64)
    };
    let (zero, parts) = (Expr::num(Ty::F64, 0.0), &x.shape[x.rank() - 1]);
    let imaginary = match parts.as_const() {
        Some(1) => zero,
        Some(_) => part(1),
        None => Expr::size(parts).gt(&Expr::int(1)).select(&part(1), &zero),
    };
    (part(0), imaginary)
}

/// A transform of known length: numbers of real, or real and imaginary, parts.
#[derive(Clone, Copy, Debug)]
pub struct Transform {
    /// Length.
    pub n: usize,
    /// Elements that are there; the others are 0.
    pub terms: usize,
    /// Parts of an element: 1 or 2.
    pub parts: usize,
    /// Frequencies that are wanted, from the first.
    pub bins: usize,
    /// Parts of a frequency that are wanted: 1 or 2.
    pub results: usize,
    /// Sign of the exponent.
    pub sign: f64,
}

impl Transform {
    /// Whether one matrix is small enough.
    pub fn is_whole(&self) -> bool {
        self.n <= WHOLE
    }

    /// Whether it is done in steps: it is long, all elements are there, and the length is a product of small ones.
    pub fn has_steps(&self) -> bool {
        self.terms == self.n && self.n > SHORT && step(self.n).is_some()
    }

    /// The transform as a matrix `[terms * parts, bins * results]`; `weight` is a factor for each element.
    pub fn matrix(&self, dtype: DType, weight: impl Fn(usize) -> f64) -> Tensor {
        let rows = (0..self.terms).flat_map(|t| (0..self.parts).map(move |part| (t, part)));
        let entries = rows.flat_map(|(t, part)| self.row(part, weight(t), &|k| k * t));
        Tensor::floats(dtype, &[self.terms * self.parts, self.bins * self.results], &entries.collect::<Vec<_>>())
    }

    /// What a part of an element adds to all frequencies k, turned by `turns(k) / n` of a circle.
    fn row(&self, part: usize, weight: f64, turns: &dyn Fn(usize) -> usize) -> Vec<f64> {
        let unit = if part == 0 { (weight, 0.0) } else { (0.0, weight) };
        let all = (0..self.bins).map(|k| turned(unit, turns(k), 1, self.n, self.sign));
        all.flat_map(|(re, im)| [re, im].into_iter().take(self.results)).collect()
    }

    /// Transforms the rows of `x` `[rows, n, parts]` into `[rows, n, 2]`, all multiplied by `scale`.
    ///
    /// Where one matrix would be too large: elements are `t1 * n2 + t2`, frequencies `k1 + n1 * k2`. First those of `t1`
    /// are transformed for each `t2`, then those of `t2` for each `k1`, by matrices that turn, too (J. Cooley and
    /// J. Tukey, An Algorithm for the Machine Calculation of Complex Fourier Series, 1965).
    pub fn in_steps(&self, e: &mut Expansion, x: Value, scale: f64) -> Result<Value> {
        let (dtype, n) = (e.fact(x).dtype, self.n as i64);
        let all = Transform { bins: self.n, results: 2, ..*self };
        let Some(n2) = step(self.n).filter(|_| self.n > SHORT) else {
            let x = e.shaped(x, &[-1, n * self.parts as i64])?;
            let m = e.constant(all.matrix(dtype, |_| scale));
            let y = e.op("MatMul", &[x, m])?;
            return e.shaped(y, &[-1, n, 2]);
        };
        let (n1, n2) = ((self.n / n2) as i64, n2 as i64);
        let x = e.shaped(x, &[-1, n1, n2, self.parts as i64])?;
        let x = e.turned(x, &[0, 2, 1, 3])?;
        let x = e.shaped(x, &[-1, n1, self.parts as i64])?;
        let inner = Transform { n: n1 as usize, terms: n1 as usize, ..*self };
        let y = inner.in_steps(e, x, 1.0)?;
        let y = e.shaped(y, &[-1, n2, n1, 2])?;
        let y = e.turned(y, &[2, 0, 1, 3])?;
        let y = e.shaped(y, &[n1, -1, 2 * n2])?;
        let m = e.constant(all.last_step(dtype, n1 as usize, n2 as usize, scale));
        let y = e.op("MatMul", &[y, m])?;
        let y = e.shaped(y, &[n1, -1, n2, 2])?;
        let y = e.turned(y, &[1, 2, 0, 3])?;
        e.shaped(y, &[-1, n, 2])
    }

    /// The matrices of the last step, `[k1, (t2, part), (k2, part)]`.
    fn last_step(&self, dtype: DType, n1: usize, n2: usize, scale: f64) -> Tensor {
        let last = Transform { bins: n2, ..*self };
        let rows = (0..n1).flat_map(|k1| (0..2 * n2).map(move |r| (k1, r / 2, r % 2)));
        let entries = rows.flat_map(|(k1, t2, part)| last.row(part, scale, &|k2| (k1 + n1 * k2) * t2));
        Tensor::floats(dtype, &[n1, 2 * n2, 2 * n2], &entries.collect::<Vec<_>>())
    }
}

/// Length of the last step of a transform that is too long for one matrix.
fn step(n: usize) -> Option<usize> {
    let n2 = (2..=STEP).rev().find(|m| n.is_multiple_of(*m))?;
    let n1 = n / n2;
    (n1 <= SHORT || step(n1).is_some()).then_some(n2)
}

impl Expansion {
    /// The first elements along an axis.
    pub fn first(&mut self, v: Value, axis: usize, n: usize) -> Result<Value> {
        let [from, to, axis] = [0, n as i64, axis as i64].map(|i| self.ints(&[i]));
        self.op("Slice", &[v, from, to, axis])
    }

    /// The same elements under another shape; 0 and -1 as in `Reshape`.
    pub fn shaped(&mut self, v: Value, to: &[i64]) -> Result<Value> {
        let to = self.ints(to);
        self.op("Reshape", &[v, to])
    }

    /// Axes in another order.
    pub fn turned(&mut self, v: Value, perm: &[i64]) -> Result<Value> {
        match perm.iter().enumerate().all(|(i, p)| i as i64 == *p) {
            true => Ok(v),
            false => self.with("Transpose", Attrs::new().with("perm", perm.to_vec()), &[v]),
        }
    }
}
