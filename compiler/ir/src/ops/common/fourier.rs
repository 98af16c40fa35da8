//! Discrete Fourier transforms written out as expressions that share their parts, for convolutions by spectra.
//!
//! A length is taken apart into its powers of primes without turning anything (I. Good, The Interaction Algorithm and Practical
//! Fourier Analysis, 1958; L. Thomas, 1963), a power of a prime by turning (J. Cooley and J. Tukey, 1965). Elements that are 0
//! cost nothing, nor does a sign.
//!
//! Spectra of images have their channels in groups of [`LANES`], where these come out even, and frequencies as real and
//! imaginary parts one after another.

use crate::lower::{Expr, Ty};
use crate::{Dim, Result, bail, ensure};
use std::collections::BTreeMap;
use std::f64::consts::{FRAC_1_SQRT_2, TAU};

/// Channels of a group: the lanes of the widest vectors.
pub const LANES: i64 = 16;
/// Longest transform.
pub const LONGEST: i64 = 1 << 12;

/// How many channels lie side by side, of so many in all.
pub fn lanes(channels: i64) -> i64 {
    if channels % LANES == 0 { LANES } else { channels }
}

/// Groups of channels, and how many lie side by side in one.
pub fn groups(channels: &Dim) -> Result<[Dim; 2]> {
    let Some(n) = channels.as_const().filter(|n| *n > 0) else {
        bail!("an operand has {channels} channels, expected a known number of 1 or more")
    };
    Ok([(n / lanes(n)).into(), lanes(n).into()])
}

/// Number of tiles of `size` elements, `step` apart, that are read of `extent`: one with zeros behind, or as many as fit.
pub fn tiles(extent: &Dim, size: i64, step: i64) -> Result<i64> {
    ensure!(
        (1..=LONGEST).contains(&size) && step > 0,
        "size is {size} and step {step}, expected 1 to {LONGEST}, 1 or more"
    );
    match extent.as_const() {
        Some(n) if n <= size => Ok(1),
        Some(n) if (n - size) % step == 0 => Ok((n - size) / step + 1),
        _ => bail!("an axis has size {extent}, expected at most {size}, or a multiple of {step} and {size} more"),
    }
}

/// The spectra of filters: conjugates, because what is computed is no convolution but a correlation, divided by what the
/// transforms multiply with.
#[derive(Debug)]
pub struct Spectrum {
    taps: [usize; 2],
    /// Sines and cosines of the parts of a circle, for rows and columns.
    circles: [Vec<(f64, f64)>; 2],
}

impl Spectrum {
    /// Of filters with so many taps along columns and rows, in tiles of so many elements.
    pub fn new(taps: [usize; 2], size: [usize; 2]) -> Spectrum {
        let circle = |n: usize| (0..n).map(|i| (TAU * i as f64 / n as f64).sin_cos()).collect();
        Spectrum { taps, circles: size.map(circle) }
    }

    /// Calls `f` with the frequencies along rows, up to the middle one, and columns, and their complex numbers.
    pub fn each(&self, taps: &[f64], f: &mut dyn FnMut(usize, usize, (f64, f64))) {
        let [down, across] = &self.circles;
        let turned = |sum: (f64, f64), z: (f64, f64), (sin, cos): (f64, f64)| {
            (sum.0 + z.0 * cos - z.1 * sin, sum.1 + z.0 * sin + z.1 * cos)
        };
        let scale = 1.0 / (2 * down.len() * across.len()) as f64;
        for k in 0..=across.len() / 2 {
            let along = |row: &[f64]| {
                let terms = row.iter().enumerate().map(|(j, x)| ((*x, 0.0), across[j * k % across.len()]));
                terms.fold((0.0, 0.0), |sum, (z, turn)| turned(sum, z, turn))
            };
            let column: Vec<(f64, f64)> = taps.chunks(self.taps[1]).map(along).collect();
            for q in 0..down.len() {
                let terms = column.iter().enumerate().map(|(i, z)| (*z, down[i * q % down.len()]));
                let (re, im) = terms.fold((0.0, 0.0), |sum, (z, turn)| turned(sum, z, turn));
                f(k, q, (re * scale, im * scale));
            }
        }
    }
}

/// A real number: 0, an expression, or its negative.
#[derive(Clone, Debug)]
enum Part {
    Zero,
    Plus(Expr),
    Minus(Expr),
}

impl Part {
    fn negative(&self) -> Part {
        match self {
            Part::Zero => Part::Zero,
            Part::Plus(e) => Part::Minus(e.clone()),
            Part::Minus(e) => Part::Plus(e.clone()),
        }
    }

    fn plus(&self, other: &Part) -> Part {
        match (self, other) {
            (Part::Zero, x) | (x, Part::Zero) => x.clone(),
            (Part::Plus(a), Part::Plus(b)) => Part::Plus(a.add(b)),
            (Part::Plus(a), Part::Minus(b)) => Part::Plus(a.sub(b)),
            (Part::Minus(a), Part::Plus(b)) => Part::Plus(b.sub(a)),
            (Part::Minus(a), Part::Minus(b)) => Part::Minus(a.add(b)),
        }
    }

    fn minus(&self, other: &Part) -> Part {
        self.plus(&other.negative())
    }
}

/// A complex number.
#[derive(Clone, Debug)]
pub struct Complex {
    re: Part,
    im: Part,
}

impl Complex {
    /// The number 0.
    pub const ZERO: Complex = Complex { re: Part::Zero, im: Part::Zero };

    /// A number of two parts.
    pub fn new(re: Expr, im: Expr) -> Complex {
        Complex { re: Part::Plus(re), im: Part::Plus(im) }
    }

    /// A real number; absent is 0.
    pub fn real(re: Option<Expr>) -> Complex {
        Complex { re: re.map_or(Part::Zero, Part::Plus), im: Part::Zero }
    }

    fn conj(&self) -> Complex {
        Complex { re: self.re.clone(), im: self.im.negative() }
    }

    fn plus(&self, other: &Complex) -> Complex {
        Complex { re: self.re.plus(&other.re), im: self.im.plus(&other.im) }
    }

    fn minus(&self, other: &Complex) -> Complex {
        Complex { re: self.re.minus(&other.re), im: self.im.minus(&other.im) }
    }

    /// Times i.
    fn quarter(&self) -> Complex {
        Complex { re: self.im.negative(), im: self.re.clone() }
    }
}

/// Writes transforms; constants are made once.
#[derive(Debug)]
pub struct Writer {
    inverse: bool,
    constants: BTreeMap<u64, Expr>,
}

impl Writer {
    /// Of `sum of x[t] exp(-2 pi i k t / n)`, or with the other sign; nothing is divided by the length.
    pub fn new(inverse: bool) -> Writer {
        Writer { inverse, constants: BTreeMap::new() }
    }

    fn times(&mut self, c: f64, x: &Part) -> Part {
        match x {
            _ if c < 0.0 => self.times(-c, &x.negative()),
            Part::Zero => Part::Zero,
            _ if c == 1.0 => x.clone(),
            Part::Plus(e) => Part::Plus(e.mul(&self.constant(c))),
            Part::Minus(e) => Part::Minus(e.mul(&self.constant(c))),
        }
    }

    fn constant(&mut self, c: f64) -> Expr {
        self.constants.entry(c.to_bits()).or_insert_with(|| Expr::num(Ty::F32, c)).clone()
    }

    fn scaled(&mut self, c: f64, z: &Complex) -> Complex {
        Complex { re: self.times(c, &z.re), im: self.times(c, &z.im) }
    }

    /// `z exp(-2 pi i turns / n)`, or with the other sign.
    fn turned(&mut self, z: &Complex, turns: usize, n: usize) -> Complex {
        let turns = if self.inverse { turns % n } else { (n - turns % n) % n };
        // A quarter of a circle after another, and what is left below one.
        let (quarters, rest) = (4 * turns / n, 4 * turns % n);
        let z = (0..quarters).fold(z.clone(), |z, _| z.quarter());
        if rest == 0 {
            return z;
        }
        if 2 * rest == n {
            let (re, im) = (z.re.minus(&z.im), z.re.plus(&z.im));
            return self.scaled(FRAC_1_SQRT_2, &Complex { re, im });
        }
        let (sin, cos) = (TAU * rest as f64 / (4 * n) as f64).sin_cos();
        let re = self.times(cos, &z.re).minus(&self.times(sin, &z.im));
        let im = self.times(cos, &z.im).plus(&self.times(sin, &z.re));
        Complex { re, im }
    }

    /// The transform of these numbers.
    pub fn transform(&mut self, x: &[Complex]) -> Vec<Complex> {
        match (x.len(), parts(x.len(), self.inverse)) {
            (1, _) => x.to_vec(),
            (2, _) => vec![x[0].plus(&x[1]), x[0].minus(&x[1])],
            (4, _) => self.four(x),
            (_, None) => self.prime(x),
            (_, Some((a, b))) if coprime(a, b) => self.apart(x, a, b),
            (_, Some((a, b))) => self.in_turn(x, a, b),
        }
    }

    fn four(&mut self, x: &[Complex]) -> Vec<Complex> {
        let (even, odd) = ([x[0].plus(&x[2]), x[0].minus(&x[2])], [x[1].plus(&x[3]), x[1].minus(&x[3])]);
        let turned = self.turned(&odd[1], 1, 4);
        vec![even[0].plus(&odd[0]), even[1].plus(&turned), even[0].minus(&odd[0]), even[1].minus(&turned)]
    }

    /// An odd prime length: results k and n - k share the sums of the elements j and n - j, and their differences.
    fn prime(&mut self, x: &[Complex]) -> Vec<Complex> {
        let n = x.len();
        let half = 1..=n / 2;
        let sums: Vec<Complex> = half.clone().map(|j| x[j].plus(&x[n - j])).collect();
        let differences: Vec<Complex> = half.clone().map(|j| x[j].minus(&x[n - j])).collect();
        let mut out = vec![Complex::ZERO; n];
        out[0] = sums.iter().fold(x[0].clone(), |all, s| all.plus(s));
        let sign = if self.inverse { 1.0 } else { -1.0 };
        for k in half {
            let (mut even, mut odd) = (x[0].clone(), Complex::ZERO);
            for (j, (s, d)) in sums.iter().zip(&differences).enumerate() {
                let (sin, cos) = (TAU * (k * (j + 1) % n) as f64 / n as f64).sin_cos();
                even = even.plus(&self.scaled(cos, s));
                odd = odd.plus(&self.scaled(sign * sin, d));
            }
            let odd = odd.quarter();
            out[k] = even.plus(&odd);
            out[n - k] = even.minus(&odd);
        }
        out
    }

    /// Length `a * b` without a common factor: two axes that know nothing of each other, `b` first.
    fn apart(&mut self, x: &[Complex], a: usize, b: usize) -> Vec<Complex> {
        let n = a * b;
        let row = |i: usize| (0..b).map(|j| x[(b * i + a * j) % n].clone()).collect::<Vec<_>>();
        let rows: Vec<Vec<Complex>> = (0..a).map(|i| self.transform(&row(i))).collect();
        let inverse = |m: usize, of: usize| (0..of).find(|i| i * m % of == 1 % of).unwrap_or(0);
        let (down, across) = (b * inverse(b % a, a), a * inverse(a % b, b));
        let mut out = vec![Complex::ZERO; n];
        for j in 0..b {
            let column: Vec<Complex> = rows.iter().map(|r| r[j].clone()).collect();
            for (i, z) in self.transform(&column).into_iter().enumerate() {
                out[(i * down + j * across) % n] = z;
            }
        }
        out
    }

    /// Length `a * b`: every `a`-th element, then over the `a` of these, turned.
    fn in_turn(&mut self, x: &[Complex], a: usize, b: usize) -> Vec<Complex> {
        let row = |i: usize| x.iter().skip(i).step_by(a).cloned().collect::<Vec<_>>();
        let rows: Vec<Vec<Complex>> = (0..a).map(|i| self.transform(&row(i))).collect();
        let mut out = vec![Complex::ZERO; a * b];
        for j in 0..b {
            let column: Vec<Complex> = rows.iter().enumerate().map(|(i, r)| self.turned(&r[j], i * j, a * b)).collect();
            for (i, z) in self.transform(&column).into_iter().enumerate() {
                out[j + b * i] = z;
            }
        }
        out
    }

    /// Twice the transform of real numbers, an even number of them, up to the frequency in the middle: as one of complex
    /// numbers, whose parts are neighbours, taken apart by symmetry.
    pub fn of_reals(&mut self, x: &[Option<Expr>]) -> Vec<Complex> {
        let half = x.len() / 2;
        let part = |e: &Option<Expr>| e.clone().map_or(Part::Zero, Part::Plus);
        let z: Vec<Complex> = x.chunks(2).map(|p| Complex { re: part(&p[0]), im: part(&p[1]) }).collect();
        let z = self.transform(&z);
        let mut out = vec![Complex::ZERO; half + 1];
        for k in 0..=half / 2 {
            let (a, b) = (&z[k], z[(half - k) % half].conj());
            // Minus i is three quarters of a circle forward.
            let (even, odd) = (a.plus(&b), self.turned(&a.minus(&b), 4 * k + x.len(), 4 * x.len()));
            out[half - k] = even.minus(&odd).conj();
            out[k] = even.plus(&odd);
        }
        out
    }

    /// The real numbers, an even number of them, whose transform up to the frequency in the middle this is.
    pub fn to_reals(&mut self, x: &[Complex]) -> Vec<Expr> {
        let half = x.len() - 1;
        let mut z = vec![Complex::ZERO; half + 1];
        for k in 0..=half / 2 {
            let (a, b) = (&x[k], x[half - k].conj());
            let (even, odd) = (a.plus(&b), self.turned(&a.minus(&b), 4 * k + 2 * half, 8 * half));
            z[half - k] = even.minus(&odd).conj();
            z[k] = even.plus(&odd);
        }
        let z = self.transform(&z[..half]);
        z.iter().flat_map(|z| self.exprs(z)).collect()
    }

    /// Real and imaginary part.
    pub fn exprs(&mut self, z: &Complex) -> [Expr; 2] {
        [self.expr(&z.re), self.expr(&z.im)]
    }

    fn expr(&mut self, x: &Part) -> Expr {
        match x {
            Part::Zero => self.constant(0.0),
            Part::Plus(e) => e.clone(),
            Part::Minus(e) => self.constant(0.0).sub(e),
        }
    }
}

fn coprime(a: usize, b: usize) -> bool {
    (2..=a.min(b)).all(|d| !a.is_multiple_of(d) || !b.is_multiple_of(d))
}

/// Two factors of a length, the second transformed first; none of a prime. The odd one is where elements are 0, or results not
/// wanted: at the start, and of an inverse at the end.
fn parts(n: usize, inverse: bool) -> Option<(usize, usize)> {
    let mut odd = n;
    while odd > 0 && odd.is_multiple_of(2) {
        odd /= 2;
    }
    let even = n / odd.max(1);
    if odd > 1 && even > 1 {
        return Some(if inverse { (odd, even) } else { (even, odd) });
    }
    match n {
        0..=3 => None,
        8 => Some((2, 4)),
        _ if odd == 1 => Some((4, n / 4)),
        _ => (3..n).find(|d| n.is_multiple_of(*d)).map(|d| (d, n / d)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::common::spectrum::turned;

    /// The value of an expression of constants.
    fn value(e: &Expr) -> f64 {
        use crate::lower::{Bin, E};
        match &**e {
            E::Float(_, v) => *v,
            E::Bin(Bin::Add, a, b) => value(a) + value(b),
            E::Bin(Bin::Sub, a, b) => value(a) - value(b),
            E::Bin(Bin::Mul, a, b) => value(a) * value(b),
            _ => unreachable!("transforms are sums and products"),
        }
    }

    fn number(i: usize) -> f64 {
        ((i * 7 + 3) % 11) as f64 - 4.0
    }

    fn expected(x: &[(f64, f64)], inverse: bool) -> Vec<(f64, f64)> {
        let sign = if inverse { 1.0 } else { -1.0 };
        let term = |k: usize, t: usize| turned(x[t], k, t, x.len(), sign);
        let sum = |k: usize| (0..x.len()).map(|t| term(k, t)).fold((0.0, 0.0), |s, z| (s.0 + z.0, s.1 + z.1));
        (0..x.len()).map(sum).collect()
    }

    #[test]
    fn transforms_are_the_sums_they_stand_for() {
        let num = |v: f64| Expr::num(Ty::F32, v);
        for n in (1..=32).chain([36, 40, 45, 48, 60, 64]) {
            let x: Vec<(f64, f64)> = (0..n).map(|i| (number(i), number(i + 5))).collect();
            for inverse in [false, true] {
                let mut w = Writer::new(inverse);
                let z: Vec<Complex> = x.iter().map(|x| Complex::new(num(x.0), num(x.1))).collect();
                let z = w.transform(&z);
                for (k, (z, want)) in z.iter().zip(expected(&x, inverse)).enumerate() {
                    let [re, im] = w.exprs(z).map(|e| value(&e));
                    let near = (re - want.0).abs() < 1e-9 && (im - want.1).abs() < 1e-9;
                    assert!(near, "{n}, inverse {inverse}, frequency {k}: {re} {im}, expected {want:?}");
                }
            }
        }
    }

    #[test]
    fn real_numbers_come_back() {
        for n in [2, 4, 6, 8, 10, 12, 16, 20, 24, 30, 32, 40, 48, 60, 64] {
            let x: Vec<Option<Expr>> = (0..n).map(|i| (i < 5).then(|| Expr::num(Ty::F32, number(i)))).collect();
            let mut w = Writer::new(false);
            let z = w.of_reals(&x);
            let reals: Vec<(f64, f64)> = (0..n).map(|i| (if i < 5 { number(i) } else { 0.0 }, 0.0)).collect();
            for (k, (z, want)) in z.iter().zip(expected(&reals, false)).enumerate() {
                let [re, im] = w.exprs(z).map(|e| value(&e) / 2.0);
                assert!((re - want.0).abs() < 1e-9 && (im - want.1).abs() < 1e-9, "{n}, frequency {k}");
            }
            let back = Writer::new(true).to_reals(&z);
            for (i, (y, want)) in back.iter().zip(reals).enumerate() {
                let y = value(y) / (2 * n) as f64;
                assert!((y - want.0).abs() < 1e-9, "{n}, element {i}: {y}, expected {}", want.0);
            }
        }
    }
}
