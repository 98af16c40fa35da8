//! Minimal filtering F(m, 3): m results of a filter of 3 taps by m + 2 products instead of 3 m, as polynomials multiplied
//! by their values at m + 2 points (Toom and Cook; transposed by Winograd). Along two axes:
//! `y = A' [(G w G') * (B' x B)] A`. S. Winograd, Arithmetic Complexity of Computations, 1980; A. Lavin and S. Gray,
//! Fast Algorithms for Convolutional Neural Networks, 2015.

use crate::lower::Expr;
use crate::{Result, ensure};

/// Taps of the filter.
pub const TAPS: usize = 3;

/// The matrices of F(m, 3). Points come in pairs: 0 and infinity, then p and -p, so that rows share sums.
#[derive(Clone, Debug)]
pub struct Transform {
    /// Results of a tile.
    pub tile: usize,
    /// The points but for infinity, which is second: 0, 1, -1, ..
    points: Vec<f64>,
}

impl Transform {
    /// F(m, 3) with tiles of `m` results.
    pub fn of(tile: i64) -> Result<Transform> {
        let points = match tile {
            2 => vec![0.0, 1.0, -1.0],
            4 => vec![0.0, 1.0, -1.0, 2.0, -2.0],
            6 => vec![0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5],
            m => {
                ensure!(false, "attribute tile is {m}, expected 2, 4 or 6");
                vec![]
            }
        };
        Ok(Transform { tile: tile as usize, points })
    }

    /// Points, and products, along one axis.
    pub fn size(&self) -> usize {
        self.tile + TAPS - 1
    }

    /// The point of a row; `None` is infinity.
    fn point(&self, row: usize) -> Option<f64> {
        match row {
            0 => Some(0.0),
            1 => None,
            _ => Some(self.points[row - 1]),
        }
    }

    /// Coefficients of the product of `(x - q)` over all finite points q but one.
    fn polynomial(&self, but: Option<f64>) -> Vec<f64> {
        let others = self.points.iter().filter(|q| Some(**q) != but);
        let mut out = others.fold(vec![1.0], |p, q| {
            let mut next = vec![0.0; p.len() + 1];
            for (i, c) in p.iter().enumerate() {
                next[i + 1] += c;
                next[i] -= c * q;
            }
            next
        });
        out.resize(self.size(), 0.0);
        out
    }

    /// `B'`: what becomes of `size` elements of the operand.
    pub fn input(&self) -> Vec<Vec<f64>> {
        (0..self.size()).map(|row| self.polynomial(self.point(row))).collect()
    }

    /// `G`: what becomes of the taps.
    pub fn filter(&self) -> Vec<Vec<f64>> {
        let row = |row| match self.point(row) {
            None => vec![0.0, 0.0, 1.0],
            Some(p) => {
                let scale: f64 = self.points.iter().filter(|q| **q != p).map(|q| p - q).product();
                (0..TAPS as i32).map(|k| p.powi(k) / scale).collect()
            }
        };
        (0..self.size()).map(row).collect()
    }

    /// `A'`: what the products become.
    pub fn output(&self) -> Vec<Vec<f64>> {
        let value = |i: usize, row| match self.point(row) {
            None => f64::from(i + 1 == self.tile),
            Some(p) => p.powi(i as i32),
        };
        (0..self.tile).map(|i| (0..self.size()).map(|row| value(i, row)).collect()).collect()
    }

    /// The rows of `B'` times these elements.
    pub fn input_of(&self, x: &[Expr]) -> Vec<Expr> {
        self.input().chunks(2).flat_map(|rows| pair(&rows[0], &rows[1], x)).collect()
    }

    /// The rows of `A'` times these elements: sums and differences at opposite points are made once.
    pub fn output_of(&self, x: &[Expr]) -> Vec<Expr> {
        let pairs = || x[2..].chunks(2).map(|p| (p[0].add(&p[1]), p[0].sub(&p[1])));
        let (sums, differences): (Vec<Expr>, Vec<Expr>) = pairs().unzip();
        let row = |(i, row): (usize, &Vec<f64>)| {
            let half = if i % 2 == 0 { &sums } else { &differences };
            let parts = [&x[..2], half].concat();
            let coefficients: Vec<f64> = row[..2].iter().copied().chain(row[2..].iter().copied().step_by(2)).collect();
            combination(&coefficients, &parts)
        };
        self.output().iter().enumerate().map(row).collect()
    }
}

/// Two rows times the same elements. Where they differ in signs only, the two parts are made once.
fn pair(a: &[f64], b: &[f64], x: &[Expr]) -> [Expr; 2] {
    if a.iter().zip(b).any(|(a, b)| a.abs() != b.abs()) {
        return [combination(a, x), combination(b, x)];
    }
    let part = |keep: &dyn Fn(f64, f64) -> bool| -> Vec<f64> {
        a.iter().zip(b).map(|(a, b)| if keep(*a, *b) { *a } else { 0.0 }).collect()
    };
    let (same, opposite) = (part(&|a, b| a == b), part(&|a, b| a != b));
    let (same, opposite) = (combination(&same, x), combination(&opposite, x));
    [same.add(&opposite), same.sub(&opposite)]
}

/// `sum of c * x`; terms of coefficient 1 first, those that are subtracted last.
fn combination(c: &[f64], x: &[Expr]) -> Expr {
    let mut terms: Vec<(f64, &Expr)> = c.iter().copied().zip(x).filter(|t| t.0 != 0.0).collect();
    terms.sort_by_key(|t| (t.0 != 1.0, t.0 < 0.0));
    let Some(((first, e), rest)) = terms.split_first() else { return x[0].like(0.0) };
    let scaled = |c: f64, e: &Expr| if c == 1.0 { e.clone() } else { e.mul(&e.like(c)) };
    rest.iter().fold(scaled(*first, e), |sum, (c, e)| match *c < 0.0 {
        true => sum.sub(&scaled(-c, e)),
        false => sum.add(&scaled(*c, e)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_what_the_filter_gives() {
        for tile in [2, 4, 6] {
            let t = Transform::of(tile).unwrap();
            let x: Vec<f64> = (0..t.size()).map(|i| ((i * 7 + 3) % 11) as f64 - 4.0).collect();
            let w = [0.5, -2.0, 3.0];
            let times = |m: &[Vec<f64>], v: &[f64]| -> Vec<f64> {
                m.iter().map(|r| r.iter().zip(v).map(|(a, b)| a * b).sum()).collect()
            };
            let products: Vec<f64> =
                times(&t.filter(), &w).iter().zip(times(&t.input(), &x)).map(|(a, b)| a * b).collect();
            let y = times(&t.output(), &products);
            for (i, y) in y.iter().enumerate() {
                let want: f64 = (0..TAPS).map(|k| w[k] * x[i + k]).sum();
                assert!((y - want).abs() < 1e-9, "F({tile}, 3) result {i} is {y}, expected {want}");
            }
        }
    }

    #[test]
    fn other_tiles_are_refused() {
        let e = Transform::of(3).unwrap_err().to_string();
        assert!(e.contains("tile is 3"), "{e}");
    }
}
