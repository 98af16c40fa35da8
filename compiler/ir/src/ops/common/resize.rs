//! What `Resize` makes of its operands: for every axis its extents, its scale and its crop.

use super::movement::{axes, element};
use super::resample::{COORDINATES, MODES, Mode, NEARESTS, Sampling, named};
use super::resample_expr::{AxisExpr, real};
use crate::lower::{Expr, Ty, Un};
use crate::op::{maybe, need};
use crate::{Ctx, Dim, Fact, Result, attrs, bail, ensure};

attrs!(ResizeAttrs {
    /// Whether the kernel is stretched when an axis becomes smaller (linear, cubic).
    antialias: bool = false,
    /// The axes that roi, scales and sizes speak of; absent is all.
    axes: Option<Vec<i64>>,
    /// How positions of the result are mapped to the operand.
    coordinate_transformation_mode: String = "half_pixel".into(),
    /// Coefficient of the cubic kernel.
    cubic_coeff_a: f32 = -0.75,
    /// Elements outside weigh nothing, instead of repeating the edge.
    exclude_outside: bool = false,
    /// Value outside of the operand for tf_crop_and_resize.
    extrapolation_value: f32 = 0.0,
    /// `stretch`; or one scale for all axes: `not_larger` or `not_smaller` than sizes.
    keep_aspect_ratio_policy: String = "stretch".into(),
    /// nearest, linear or cubic.
    mode: String = "nearest".into(),
    /// round_prefer_floor, round_prefer_ceil, floor or ceil.
    nearest_mode: String = "round_prefer_floor".into(),
});

/// How scales follow from operand `sizes`.
#[derive(Clone, Copy, PartialEq)]
pub enum Policy {
    /// One scale an axis.
    Stretch,
    /// The smallest scale for all axes.
    NotLarger,
    /// The largest.
    NotSmaller,
}

const POLICIES: &[(&str, Policy)] =
    &[("stretch", Policy::Stretch), ("not_larger", Policy::NotLarger), ("not_smaller", Policy::NotSmaller)];

/// The attributes with their names resolved.
pub struct Setup {
    /// What is the same for all axes.
    pub sampling: Sampling,
    /// How scales follow from sizes.
    pub policy: Policy,
    /// The axes that are resized.
    pub axes: Vec<usize>,
    /// Value outside of the operand.
    pub extrapolation: f64,
}

/// Resolves the attributes for an operand of this rank.
pub fn setup(c: &Ctx, rank: usize) -> Result<Setup> {
    let a = ResizeAttrs::read(c.attrs)?;
    let sampling = Sampling {
        mode: named("mode", &a.mode, MODES)?,
        coordinates: named("coordinate_transformation_mode", &a.coordinate_transformation_mode, COORDINATES)?,
        nearest: named("nearest_mode", &a.nearest_mode, NEARESTS)?,
        antialias: a.antialias,
        exclude_outside: a.exclude_outside,
        a: a.cubic_coeff_a as f64,
    };
    ensure!(!(a.antialias && sampling.mode == Mode::Nearest), "antialias is set, expected mode linear or cubic");
    Ok(Setup {
        sampling,
        policy: named("keep_aspect_ratio_policy", &a.keep_aspect_ratio_policy, POLICIES)?,
        axes: axes(&a.axes.unwrap_or_else(|| (0..rank as i64).collect()), rank)?,
        extrapolation: a.extrapolation_value as f64,
    })
}

/// Operand 2 or 3; an empty one counts as omitted.
pub fn given<'a, T>(x: &[Option<&'a T>], i: usize, empty: impl Fn(&T) -> bool) -> Option<&'a T> {
    maybe(x, i).filter(|f| !empty(f))
}

/// Element `k` of the float vector operand `i` (F64).
fn float_element(i: usize, x: &Fact, k: usize) -> Expr {
    match x.constant() {
        Some(t) => Expr::num(Ty::F64, t.at(k).f()),
        None => Expr::load(i, x, vec![Expr::int(k as i64)]).cast(Ty::F64),
    }
}

/// `floor(d * scale)` with the product in f32, where an expression says it: a scale that is a small multiple of a
/// power of two.
fn scaled(d: &Dim, scale: f32) -> Option<Dim> {
    if let Some(d) = d.as_const() {
        return Some(((d as f32 * scale).floor() as i64).into());
    }
    let (num, den) = (scale as f64 * 1024.0, Dim::from(1024));
    (num.fract() == 0.0 && num < 1e6).then(|| (d.clone() * Dim::from(num as i64)).div(&den))
}

/// Largest size along an axis.
const LARGEST: i64 = 1 << 40;

impl Setup {
    fn check(&self, x: &[Option<&Fact>], i: usize, per_axis: usize, name: &str) -> Result<()> {
        let Some(f) = given(x, i, Fact::is_empty) else { return Ok(()) };
        let n = per_axis * self.axes.len();
        ensure!(
            f.rank() == 1 && f.len().as_const().is_none_or(|len| len == n as i64),
            "operand {name} is {f}, expected {n} elements"
        );
        Ok(())
    }

    /// The axes with sizes that are known, else fresh; second, the sizes and reaches fresh symbols stand for.
    pub fn plan(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<(Vec<AxisExpr>, Vec<Expr>)> {
        let data = need(x, 0, "X")?;
        self.check(x, 1, 2, "roi")?;
        self.check(x, 2, 1, "scales")?;
        self.check(x, 3, 1, "sizes")?;
        let mut plan = vec![];
        let mut symbols = vec![];
        for (k, a) in self.axes.iter().enumerate() {
            let mut p = self.axis(c, x, k, *a, &data.shape[*a])?;
            symbols.push(self.size(x, k, &p));
            let stretched = p.num.div(&p.den).mul(&Expr::num(Ty::F64, self.radius())).un(Un::Ceil).cast(Ty::I64);
            symbols.push(stretched.max(&Expr::int(self.radius() as i64)));
            if let Some(reach) = self.reach(x, k, &p) {
                p.reach = reach;
            }
            plan.push(p);
        }
        Ok((plan, symbols))
    }

    fn radius(&self) -> f64 {
        if self.sampling.mode == Mode::Cubic { 2.0 } else { 1.0 }
    }

    fn axis(&self, c: &Ctx, x: &[Option<&Fact>], k: usize, a: usize, d: &Dim) -> Result<AxisExpr> {
        let n = self.axes.len();
        let one = Expr::num(Ty::F64, 1.0);
        let roi = given(x, 1, Fact::is_empty).map(|f| (float_element(1, f, k), float_element(1, f, n + k)));
        let mut p = AxisExpr {
            axis: a,
            input: d.clone(),
            output: c.fresh(2 * k),
            num: one.clone(),
            den: one.clone(),
            real: one.clone(),
            roi: roi.unwrap_or((Expr::num(Ty::F64, 0.0), one)),
            whole: None,
            reach: c.fresh(2 * k + 1),
            free: false,
        };
        match (given(x, 2, Fact::is_empty), given(x, 3, Fact::is_empty)) {
            (Some(s), None) => self.by_scale(&mut p, s, k)?,
            (None, Some(s)) => self.by_size(&mut p, x, s, k)?,
            _ => bail!("operands scales and sizes are both given or both missing, expected one of them"),
        }
        let possible = p.output.as_const().is_none_or(|n| (0..=LARGEST).contains(&n));
        ensure!(possible, "a result has an axis of size {}, expected 0 to {LARGEST}", p.output);
        Ok(p)
    }

    fn by_scale(&self, p: &mut AxisExpr, scales: &Fact, k: usize) -> Result<()> {
        p.den = float_element(2, scales, k);
        p.real = real(&p.input).mul(&p.den);
        let Some(t) = scales.constant() else { return Ok(()) };
        let s = t.at(k).f();
        ensure!(s > 0.0 && s.is_finite(), "operand scales has {s} at {k}, expected a positive number");
        p.whole = (s.fract() == 0.0 && s < 1e6).then_some(s as i64);
        p.output = scaled(&p.input, s as f32).unwrap_or(p.output.clone());
        Ok(())
    }

    fn by_size(&self, p: &mut AxisExpr, x: &[Option<&Fact>], sizes: &Fact, k: usize) -> Result<()> {
        if self.policy != Policy::Stretch {
            p.den = self.common_scale(x, sizes)?;
            p.real = real(&p.input).mul(&p.den);
            if let (Some(s), Some(d)) = (self.constant_scale(x, sizes), p.input.as_const()) {
                p.output = ((d as f64 * s + 0.5).floor() as i64).into();
            }
            return Ok(());
        }
        if let Some(v) = sizes.as_dims() {
            p.output = v[k].clone();
            p.whole = p.output.exact_div(&p.input).and_then(|d| d.as_const()).filter(|w| *w > 0);
        }
        let output = element(3, sizes, k).cast(Ty::F64);
        (p.num, p.den, p.real) = (real(&p.input), output.clone(), output);
        p.free = p.whole.is_none();
        Ok(())
    }

    /// The one scale of all axes (F64).
    fn common_scale(&self, x: &[Option<&Fact>], sizes: &Fact) -> Result<Expr> {
        if let Some(s) = self.constant_scale(x, sizes) {
            return Ok(Expr::num(Ty::F64, s));
        }
        let data = need(x, 0, "X")?;
        let scale = |(k, a): (usize, &usize)| element(3, sizes, k).cast(Ty::F64).div(&real(&data.shape[*a]));
        let all = self.axes.iter().enumerate().map(scale);
        let pick = |a: Expr, b: Expr| if self.policy == Policy::NotLarger { a.min(&b) } else { a.max(&b) };
        Ok(all.reduce(pick).unwrap_or(Expr::num(Ty::F64, 1.0)))
    }

    fn constant_scale(&self, x: &[Option<&Fact>], sizes: &Fact) -> Option<f64> {
        let (data, sizes) = (maybe(x, 0)?, sizes.as_ints()?);
        let input: Option<Vec<i64>> = self.axes.iter().map(|a| data.shape[*a].as_const()).collect();
        let scales = sizes.iter().zip(input?).map(|(s, d)| *s as f64 / d as f64).collect::<Vec<_>>();
        scales.into_iter().reduce(|a, b| if self.policy == Policy::NotLarger { a.min(b) } else { a.max(b) })
    }

    /// The extent of axis `k` of the result as the operands give it.
    fn size(&self, x: &[Option<&Fact>], k: usize, p: &AxisExpr) -> Expr {
        let half = Expr::num(Ty::F64, 0.5);
        match given(x, 3, Fact::is_empty) {
            _ if p.output.as_const().is_some() => Expr::size(&p.output),
            Some(s) if self.policy == Policy::Stretch => element(3, s, k).max(&Expr::int(0)),
            Some(_) => p.real.add(&half).un(Un::Floor).cast(Ty::I64),
            None => p.real.cast(Ty::F32).un(Un::Floor).cast(Ty::I64).max(&Expr::int(0)),
        }
    }

    /// Taps on each side when antialiasing, where an expression says it.
    fn reach(&self, x: &[Option<&Fact>], k: usize, p: &AxisExpr) -> Option<Dim> {
        let radius = Dim::from(self.radius() as i64);
        let constant = |s: f64| Dim::from((self.radius() / s).ceil().min(1e9) as i64).max_of(&radius);
        match (given(x, 2, Fact::is_empty).map(Fact::constant), given(x, 3, Fact::is_empty)) {
            _ if !self.sampling.antialias => Some(radius),
            (Some(Some(t)), _) => Some(constant(t.at(k).f())),
            (None, Some(s)) if self.policy != Policy::Stretch => self.constant_scale(x, s).map(constant),
            (None, Some(s)) => s.as_dims().map(|v| {
                let down = (p.input.clone() * radius.clone()).ceil_div(&v[k].max_of(&1.into()));
                down.max_of(&radius)
            }),
            _ => None,
        }
    }
}
