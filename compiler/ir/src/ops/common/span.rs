//! The elements a slice takes of one axis.

use crate::Dim;
use crate::lower::Expr;

/// `start, start + step, ..`, `len` of them, all within the axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// First position.
    pub start: Dim,
    /// Difference of neighbours; not 0.
    pub step: i64,
    /// Number of positions.
    pub len: Dim,
}

/// A bound beyond every size, as exporters write "to the end".
const FAR: i64 = i32::MAX as i64;

impl Span {
    /// All of an axis.
    pub fn whole(extent: &Dim) -> Self {
        Span { start: 0.into(), step: 1, len: extent.clone() }
    }

    /// `axis[start:end:step]` of an axis of this extent. Negative bounds count from its end; then, as ONNX says, the start is
    /// clamped to `0..=extent`, or to `0..=extent-1` for a negative step, and the end to `0..=extent`, or to `-1..=extent-1`.
    /// NumPy clamps a start before the first element to -1 instead, and so takes nothing with a negative step.
    pub fn new(start: &Dim, end: &Dim, step: i64, extent: &Dim) -> Self {
        let (d, zero) = (extent, Dim::from(0));
        match step > 0 {
            true => {
                let start = from_front(start, d).unwrap_or_else(|| d.clone());
                let end = from_front(end, d).map_or(d.clone(), |e| e.min_of(d));
                // end - max(start, 0) = min(end - start, end): one atom less where either is known.
                let gap = (end.clone() - start.clone()).min_of(&end);
                let len = gap.ceil_div(&step.into()).max_of(&zero);
                Span { start: start.max_of(&zero), step, len }
            }
            false => {
                let last = d.clone() - 1.into();
                let start = from_front(start, d).map_or(last.clone(), |s| s.max_of(&zero).min_of(&last));
                let end = from_front(end, d).unwrap_or_else(|| d.clone()).max_of(&Dim::from(-1));
                let len = (start.clone() - end).ceil_div(&Dim::from(step.saturating_neg())).max_of(&zero);
                Span { start, step, len }
            }
        }
    }

    /// Position of element `i`.
    pub fn at(&self, i: &Expr) -> Expr {
        let i = if self.step == 1 { i.clone() } else { i.mul(&Expr::int(self.step)) };
        if self.start.is_zero() { i } else { Expr::size(&self.start).add(&i) }
    }

    /// Positions, where all is constant.
    pub fn positions(&self) -> Option<Vec<usize>> {
        let (start, len) = (self.start.as_const()?, self.len.as_const()?);
        Some((0..len).map(|i| (start + i * self.step) as usize).collect())
    }
}

/// A bound counted from the front; may lie outside of the axis. `None` is beyond its end.
fn from_front(bound: &Dim, extent: &Dim) -> Option<Dim> {
    match bound.as_const() {
        Some(v) if v >= FAR && extent.as_const().is_none_or(|d| v >= d) => None,
        Some(v) if v <= -FAR => Some(extent.as_const().map_or(Dim::from(-1), |d| d.saturating_add(v).max(-1).into())),
        Some(v) if v < 0 => Some(bound.clone() + extent.clone()),
        Some(_) => Some(bound.clone()),
        None => Some(unsure(bound, extent)),
    }
}

/// The same for a bound whose sign is not known: `bound + extent * (bound < 0)`.
fn unsure(bound: &Dim, extent: &Dim) -> Dim {
    let one = Dim::from(1);
    if bound.at_least(0) || *bound == extent.clone() - one.clone() {
        return bound.clone();
    }
    let negative = (-bound.clone()).max_of(&0.into()).min_of(&one);
    bound.clone() + extent.clone() * negative
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every slice of small axes, against stepping through the axis as the definition says.
    #[test]
    fn spans_are_those_of_onnx() {
        let (s, n, m) = (Dim::sym("s"), Dim::sym("n"), Dim::sym("m"));
        for d in 0..4i64 {
            for (a, b) in (-6..6i64).flat_map(|a| (-6..6).map(move |b| (a, b))) {
                for step in [-3, -2, -1, 1, 2, 3i64] {
                    let want = positions(a, b, step, d);
                    let span = Span::new(&a.into(), &b.into(), step, &d.into());
                    assert_eq!(span.positions().unwrap(), want, "{a}:{b}:{step} of {d}");
                    let env = |k: &str| match k {
                        "s" => Some(d),
                        "n" => Some(a + 6),
                        _ => Some(b + 6),
                    };
                    let bound = |v: &Dim| v.clone() - Dim::from(6);
                    let span = Span::new(&bound(&n), &bound(&m), step, &s);
                    let len = span.len.eval(&env).unwrap();
                    assert_eq!(len, want.len() as i64, "{a}:{b}:{step} of {d}, symbolic");
                    assert!(len == 0 || span.start.eval(&env) == Ok(want[0] as i64));
                }
            }
        }
    }

    fn positions(start: i64, end: i64, step: i64, d: i64) -> Vec<usize> {
        let wrap = |v: i64| if v < 0 { v + d } else { v };
        let (lo, hi) = if step > 0 { (0, d) } else { (-1, d - 1) };
        // An axis without elements has no first one to start at.
        let (mut at, end) = (wrap(start).max(0).min(hi), wrap(end).clamp(lo, hi));
        let mut out = vec![];
        while (step > 0 && at < end) || (step < 0 && at > end) {
            out.push(at as usize);
            at += step;
        }
        out
    }

    #[test]
    fn usual_slices_have_plain_sizes() {
        let n = Dim::sym("n");
        let far = Dim::from(i64::MAX);
        assert_eq!(Span::new(&0.into(), &far, 1, &n), Span::whole(&n));
        assert_eq!(Span::new(&0.into(), &(n.clone() * 2.into()), 1, &n), Span::whole(&n));
        assert_eq!(Span::new(&(-1).into(), &Dim::from(-FAR), -1, &n).len, n);
        assert_eq!(Span::new(&(n.clone() - 1.into()), &Dim::from(-FAR), -1, &n).len, n);
        assert_eq!(Span::new(&(-9).into(), &Dim::from(-FAR), -1, &Dim::from(4)).positions(), Some(vec![0]));
        assert_eq!(Span::new(&(-1).into(), &far, 1, &Dim::from(7)).len, 1.into());
    }
}
