//! Lowering of resampling: positions, weights and sums of one axis as expressions.

use super::resample::{Coordinates, Mode, Nearest, Sampling};
use crate::Dim;
use crate::lower::{Expr, Monoid, Ty, Un};

/// One axis, as [`super::resample::Axis`] with sizes and factors that may only be known when the program runs.
#[derive(Clone, Debug)]
pub struct AxisExpr {
    /// Which axis of the tensor.
    pub axis: usize,
    /// Extent of the operand.
    pub input: Dim,
    /// Extent of the result.
    pub output: Dim,
    /// Positions are multiplied by `num / den` (F64), the inverse of the scale.
    pub num: Expr,
    /// See above.
    pub den: Expr,
    /// Extent of the result before it was rounded (F64).
    pub real: Expr,
    /// Start and end of the crop, as parts of the axis (F64).
    pub roi: (Expr, Expr),
    /// The scale, where it is a known integer.
    pub whole: Option<i64>,
    /// Taps on each side of an antialiasing kernel.
    pub reach: Dim,
    /// Whether the operand may be empty where the result is not.
    pub free: bool,
}

fn f(v: f64) -> Expr {
    Expr::num(Ty::F64, v)
}

/// A size as F64.
pub fn real(d: &Dim) -> Expr {
    match d.as_const() {
        Some(v) => f(v as f64),
        None => Expr::size(d).cast(Ty::F64),
    }
}

impl AxisExpr {
    /// Whether the axis stays as it is.
    pub fn is_identity(&self, s: &Sampling) -> bool {
        s.coordinates != Coordinates::TfCropAndResize && self.whole == Some(1) && self.input == self.output
    }

    /// Position in the operand (F64) of the current position of the result.
    fn source(&self, c: Coordinates) -> Expr {
        let x = Expr::var(self.axis as u32).cast(Ty::F64);
        let half_pixel = x.add(&f(0.5)).mul(&self.num).div(&self.den).sub(&f(0.5));
        let last = real(&(self.input.clone() - 1.into()));
        let alone = |one: Expr, other: Expr| self.real.eq(&f(1.0)).select(&one, &other);
        let gaps = self.real.sub(&f(1.0));
        let (from, to) = &self.roi;
        match c {
            Coordinates::HalfPixel => half_pixel,
            Coordinates::HalfPixelSymmetric => {
                let lost = f(1.0).sub(&real(&self.output).div(&self.real));
                real(&self.input).div(&f(2.0)).mul(&lost).add(&half_pixel)
            }
            Coordinates::PytorchHalfPixel => alone(f(-0.5), half_pixel),
            Coordinates::AlignCorners => alone(f(0.0), x.mul(&last).div(&gaps)),
            Coordinates::Asymmetric => x.mul(&self.num).div(&self.den),
            Coordinates::TfCropAndResize => {
                let step = x.mul(&to.sub(from)).mul(&last).div(&gaps);
                alone(from.add(to).mul(&last).div(&f(2.0)), from.mul(&last).add(&step))
            }
        }
    }

    /// Whether the position lies outside of the operand (`tf_crop_and_resize` only).
    pub fn outside(&self, s: &Sampling) -> Option<Expr> {
        if s.coordinates != Coordinates::TfCropAndResize {
            return None;
        }
        let at = self.source(s.coordinates);
        let last = real(&(self.input.clone() - 1.into()));
        Some(at.ge(&f(0.0)).and(&at.le(&last)).un(Un::Not))
    }

    fn inside(&self, i: &Expr) -> Expr {
        i.min(&Expr::size(&(self.input.clone() - 1.into()))).max(&Expr::int(0))
    }

    /// Position of the nearest element.
    pub fn nearest(&self, s: &Sampling) -> Expr {
        let x = Expr::var(self.axis as u32);
        if let Some(k) = self.whole.filter(|_| repeats(s)) {
            return if k == 1 { x } else { x.div(&Expr::int(k)) };
        }
        let at = self.source(s.coordinates);
        let at = match s.nearest {
            Nearest::RoundPreferFloor => at.sub(&f(0.5)).un(Un::Ceil),
            Nearest::RoundPreferCeil => at.add(&f(0.5)).un(Un::Floor),
            Nearest::Floor => at.un(Un::Floor),
            Nearest::Ceil => at.un(Un::Ceil),
        };
        self.inside(&at.cast(Ty::I64))
    }

    /// Tap `t` (0-based): its position in the operand and its weight (F64), not yet divided by the sum of weights.
    pub fn tap(&self, s: &Sampling, t: &Expr) -> (Expr, Expr) {
        let at = self.source(s.coordinates);
        let first = at.un(Un::Floor).cast(Ty::I64).sub(&Expr::size(&(self.taps(s).div(&2.into()) - 1.into())));
        let i = first.add(t);
        let mut distance = i.cast(Ty::F64).sub(&at).un(Un::Abs);
        if s.antialias {
            distance = distance.mul(&self.den.div(&self.num).min(&f(1.0)));
        }
        let mut w = weight_of(s, &distance);
        if s.exclude_outside {
            w = i.within(&self.input).select(&w, &f(0.0));
        }
        (self.inside(&i), w)
    }

    /// Number of taps.
    pub fn taps(&self, s: &Sampling) -> Dim {
        match (s.antialias, s.mode) {
            (true, _) => self.reach.clone() * 2.into(),
            (false, Mode::Linear) => 2.into(),
            _ => 4.into(),
        }
    }
}

/// Whether a whole scale k repeats every element k times.
fn repeats(s: &Sampling) -> bool {
    let rounds = matches!(s.nearest, Nearest::RoundPreferFloor | Nearest::RoundPreferCeil);
    match s.coordinates {
        Coordinates::HalfPixel | Coordinates::HalfPixelSymmetric => rounds,
        Coordinates::Asymmetric => s.nearest == Nearest::Floor,
        _ => false,
    }
}

/// [`super::resample::weight`] of a distance that is not negative.
pub fn weight_of(s: &Sampling, d: &Expr) -> Expr {
    if s.mode == Mode::Linear {
        return f(1.0).sub(d).max(&f(0.0));
    }
    let a = s.a;
    let near = d.mul(&f(a + 2.0)).sub(&f(a + 3.0)).mul(d).mul(d).add(&f(1.0));
    let far = d.sub(&f(5.0)).mul(d).add(&f(8.0)).mul(d).sub(&f(4.0)).mul(&f(a));
    d.le(&f(1.0)).select(&near, &d.lt(&f(2.0)).select(&far, &f(0.0)))
}

/// The sum of `body` over taps `0..taps`: two are written out, more are a reduction over variable `var`.
pub fn sum(taps: &Dim, var: u32, body: &dyn Fn(&Expr) -> Expr) -> Expr {
    match taps.as_const() {
        Some(2) => body(&Expr::int(0)).add(&body(&Expr::int(1))),
        _ => Expr::reduce(Monoid::Sum, vec![(var, taps.clone())], body(&Expr::var(var))),
    }
}

/// Sum over the taps of all axes of the element at a full index times the weights.
fn weighted(s: &Sampling, axes: &[&AxisExpr], index: Vec<Expr>, var: u32, load: &dyn Fn(Vec<Expr>) -> Expr) -> Expr {
    let Some((a, rest)) = axes.split_first() else { return load(index) };
    let term = |t: &Expr| {
        let (i, w) = a.tap(s, t);
        let mut index = index.clone();
        index[a.axis] = i;
        let inner = weighted(s, rest, index, var + 1, load);
        inner.mul(&w.cast(inner.ty()))
    };
    sum(&a.taps(s), var, &term)
}

/// The element made of the taps of all axes: `load` gives the element of the operand at a full index in the type
/// that is computed in. Variables from `var` on are free.
pub fn blend(s: &Sampling, axes: &[&AxisExpr], index: Vec<Expr>, var: u32, load: &dyn Fn(Vec<Expr>) -> Expr) -> Expr {
    let value = weighted(s, axes, index, var, load);
    if !s.antialias && !s.exclude_outside {
        return value;
    }
    let total = |(k, a): (u32, &&AxisExpr)| sum(&a.taps(s), k, &|t| a.tap(s, t).1);
    let totals = (var + axes.len() as u32..).zip(axes).map(total).reduce(|a, b| a.mul(&b));
    totals.map_or(value.clone(), |t| value.div(&t.cast(value.ty())))
}
