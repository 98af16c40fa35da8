//! Terms of discrete Fourier transforms.

use crate::lower::{Expr, Ty, Un};
use crate::{Dim, Fact};
use std::f64::consts::TAU;

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
