//! How far results are from those of another runtime, and how far they may be.

use dlc_ir::Tensor;
use std::fmt;

/// How far results may be: the terms of the column `measure` of `models/zoo.tsv`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measure {
    /// `rel:R`: an element may be off by R times the largest expected one ..
    rel: Option<f64>,
    /// `abs:A`: .. plus A.
    abs: Option<f64>,
    /// `corr:C`: floats correlate by C or more.
    corr: Option<f64>,
}

impl Measure {
    /// Reads e.g. `rel:1e-5 abs:1e-6`; panics on what is no measure.
    pub fn parse(text: &str) -> Self {
        let mut m = Measure::default();
        for term in text.split_whitespace() {
            let (name, value) = term.split_once(':').unwrap_or_else(|| panic!("{term:?} is no NAME:VALUE"));
            let value = value.parse().unwrap_or_else(|_| panic!("{value:?} of {term:?} is no number"));
            match name {
                "rel" => m.rel = Some(value),
                "abs" => m.abs = Some(value),
                "corr" => m.corr = Some(value),
                _ => panic!("{term:?} is none of rel, abs, corr"),
            }
        }
        assert!(m.rel.or(m.abs).or(m.corr).is_some(), "a measure has a term");
        m
    }

    /// How far results are from those expected; an error where that is further than allowed. Where only a correlation
    /// is asked for, integers must still be equal.
    pub fn judge(&self, got: &[Tensor], want: &[Tensor]) -> Result<Distance, String> {
        if got.len() != want.len() {
            return Err(format!("{} results, expected {}", got.len(), want.len()));
        }
        let mut worst = Distance::default();
        for (k, (g, w)) in got.iter().zip(want).enumerate() {
            if (g.dtype(), g.shape()) != (w.dtype(), w.shape()) {
                return Err(format!("result {k} is {g:?}, expected {w:?}"));
            }
            let d = Distance::of(&g.to_f64(), &w.to_f64()).map_err(|e| format!("result {k}: {e}"))?;
            self.allow(&d, w.dtype().is_float()).map_err(|e| format!("result {k}: {d}, {e}"))?;
            worst = worst.or_further(d);
        }
        Ok(worst)
    }

    fn allow(&self, d: &Distance, float: bool) -> Result<(), String> {
        if self.rel.or(self.abs).is_some() || !float {
            let limit = self.rel.unwrap_or(0.0) * d.largest + self.abs.unwrap_or(0.0);
            if d.abs > limit {
                return Err(format!("expected within {limit:.1e}"));
            }
        }
        match self.corr.filter(|c| float && d.corr < *c) {
            Some(c) => Err(format!("expected a correlation of {c}")),
            None => Ok(()),
        }
    }
}

/// How far one tensor is from another.
#[derive(Clone, Copy, Debug)]
pub struct Distance {
    /// Largest difference of two elements.
    abs: f64,
    /// Largest expected element.
    largest: f64,
    /// Correlation; 1 where one of the two does not vary.
    corr: f64,
}

impl Default for Distance {
    fn default() -> Self {
        Distance { abs: 0.0, largest: 0.0, corr: 1.0 }
    }
}

impl Distance {
    fn of(got: &[f64], want: &[f64]) -> Result<Self, String> {
        let same = |(g, w): (&f64, &f64)| g == w || (g.is_nan() && w.is_nan());
        let finite = |(g, w): (&f64, &f64)| g.is_finite() && w.is_finite();
        if let Some(i) = got.iter().zip(want).position(|p| !same(p) && !finite(p)) {
            return Err(format!("element {i} is {}, expected {}", got[i], want[i]));
        }
        let numbers = || got.iter().zip(want).filter(|p| finite(*p)).map(|(g, w)| (*g, *w));
        Ok(Distance {
            abs: numbers().fold(0.0, |m, (g, w)| m.max((g - w).abs())),
            largest: numbers().fold(0.0, |m, (_, w)| m.max(w.abs())),
            corr: correlation(numbers()),
        })
    }

    fn rel(&self) -> f64 {
        if self.abs == 0.0 { 0.0 } else { self.abs / self.largest }
    }

    fn or_further(self, other: Distance) -> Distance {
        let corr = self.corr.min(other.corr);
        Distance { corr, ..if other.rel() > self.rel() { other } else { self } }
    }
}

impl fmt::Display for Distance {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "rel {:.1e} abs {:.1e} corr {:.6}", self.rel(), self.abs, self.corr)
    }
}

fn correlation(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let n = pairs.clone().count() as f64;
    let (a, b) = pairs.clone().fold((0.0, 0.0), |(a, b), (x, y)| (a + x / n, b + y / n));
    let sum = |f: fn(f64, f64) -> f64| pairs.clone().map(|(x, y)| f(x - a, y - b)).sum::<f64>();
    let varies = sum(|x, _| x * x) * sum(|_, y| y * y);
    if varies > 0.0 { sum(|x, y| x * y) / varies.sqrt() } else { 1.0 }
}

#[test]
fn a_measure_is_the_sum_of_its_terms() {
    let t = |v: &[f32]| vec![Tensor::f32(&[v.len()], v)];
    let judge = |m: &str, g: &[f32], w: &[f32]| Measure::parse(m).judge(&t(g), &t(w)).is_ok();
    assert!(judge("rel:0.1", &[0.95, 10.9], &[0.0, 10.0]) && !judge("rel:0.1", &[0.95, 11.1], &[0.0, 10.0]));
    assert!(judge("abs:1", &[1.0, 3.0], &[2.0, 2.0]) && !judge("abs:1", &[1.0, 3.1], &[2.0, 2.0]));
    assert!(judge("corr:0.9", &[1.0, 2.0, 3.1], &[2.0, 4.0, 6.0]) && !judge("corr:0.9", &[1.0, 0.0], &[0.0, 1.0]));
    assert!(judge("abs:0", &[f32::NAN, f32::INFINITY], &[f32::NAN, f32::INFINITY]));
    assert!(!judge("abs:9", &[f32::NAN], &[1.0]) && !judge("corr:0.5", &[1.0, 2.0], &[1.0, f32::INFINITY]));
    assert!(Measure::parse("abs:1").judge(&t(&[1.0]), &[]).is_err());
    assert!(Measure::parse("corr:0.9").judge(&[Tensor::i64(&[1], &[1])], &[Tensor::i64(&[1], &[2])]).is_err());
}
