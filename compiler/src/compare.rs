//! How far a result is from the one it should be.

use dlc_ir::{Num, Tensor, strings};

/// The distance of two tensors.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Difference {
    /// Largest difference of two elements; infinite where only one of them is a number.
    pub max_abs: f64,
    /// Root of the sum of squared differences over that of the expected elements.
    pub rel_l2: f64,
    /// Cosine of the angle between them; 1 when both are 0.
    pub cosine: f64,
    /// Number of elements that are not equal.
    pub unequal: usize,
    /// Number of elements.
    pub elements: usize,
}

impl Difference {
    /// The distance of tensors of one type and shape; otherwise a sentence saying what differs.
    pub fn of(expected: &Tensor, found: &Tensor) -> Result<Difference, String> {
        if expected.items().is_some() || found.items().is_some() {
            return Difference::of_items(expected, found);
        }
        if (expected.dtype(), expected.shape()) != (found.dtype(), found.shape()) {
            let name = |t: &Tensor| format!("{}{:?}", t.dtype(), t.shape());
            return Err(format!("found {}, expected {}", name(found), name(expected)));
        }
        let mut sum = Sums::default();
        let (expected, found) = strings::pair(expected, found);
        for (e, f) in expected.iter().zip(found.iter()) {
            sum.add(e, f);
        }
        Ok(sum.difference(expected.len()))
    }

    /// The same of values that are no tensors: over the elements of all tensors in them.
    fn of_items(expected: &Tensor, found: &Tensor) -> Result<Difference, String> {
        let mut sum = Sums::default();
        let elements = sum.add_items(expected, found)?;
        Ok(sum.difference(elements))
    }

    /// Whether floats are within this relative L2 distance; anything else must be equal.
    pub fn within(&self, dtype: dlc_ir::DType, tolerance: f64) -> bool {
        if dtype.is_float() { self.rel_l2 <= tolerance } else { self.unequal == 0 }
    }
}

#[derive(Default)]
struct Sums {
    max_abs: f64,
    squared: f64,
    expected: f64,
    found: f64,
    product: f64,
    unequal: usize,
}

impl Sums {
    fn add_items(&mut self, expected: &Tensor, found: &Tensor) -> Result<usize, String> {
        if let (Ok(e), Ok(f)) = (expected.as_sequence(), found.as_sequence())
            && e.len() == f.len()
        {
            return e.iter().zip(f).map(|(e, f)| self.add_items(e, f)).sum();
        }
        let (e, f) = (expected.type_fact(), found.type_fact());
        if expected.is_absent() && e.form == f.form {
            return Ok(0);
        }
        if !e.same_type(&f) || !e.form.is_dense() {
            return Err(format!("found {found:?}, expected {expected:?}"));
        }
        expected.iter().zip(found.iter()).for_each(|(e, f)| self.add(e, f));
        Ok(expected.len())
    }

    fn add(&mut self, e: Num, f: Num) {
        let (a, b) = (e.f(), f.f());
        if e == f || (a.is_nan() && b.is_nan()) {
            if a.is_finite() {
                self.note(a, b, 0.0);
            }
            return;
        }
        self.unequal += 1;
        match (a - b).abs() {
            d if d.is_finite() => self.note(a, b, d),
            _ => (self.max_abs, self.squared) = (f64::INFINITY, f64::INFINITY),
        }
    }

    fn note(&mut self, a: f64, b: f64, d: f64) {
        self.max_abs = self.max_abs.max(d);
        self.squared += d * d;
        self.expected += a * a;
        self.found += b * b;
        self.product += a * b;
    }

    fn difference(&self, elements: usize) -> Difference {
        let norms = (self.expected * self.found).sqrt();
        let rel_l2 = match self.squared {
            0.0 => 0.0,
            s => (s / self.expected).sqrt(),
        };
        let cosine = match self.unequal {
            0 => 1.0,
            _ if norms == 0.0 || rel_l2.is_infinite() => 0.0,
            _ => self.product / norms,
        };
        Difference { max_abs: self.max_abs, rel_l2, cosine, unequal: self.unequal, elements }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(a: &[f32], b: &[f32]) -> Difference {
        Difference::of(&Tensor::f32(&[a.len()], a), &Tensor::f32(&[b.len()], b)).unwrap()
    }

    #[test]
    fn equal_tensors_have_no_distance() {
        let v = [0.0, 1.0, f32::NAN, f32::INFINITY];
        let d = diff(&v, &v);
        assert_eq!((d.max_abs, d.rel_l2, d.cosine, d.unequal), (0.0, 0.0, 1.0, 0));
    }

    #[test]
    fn distances_are_as_defined() {
        let d = diff(&[3.0, 4.0], &[3.0, 5.0]);
        assert_eq!((d.max_abs, d.rel_l2, d.unequal), (1.0, 0.2, 1));
        assert!((d.cosine - 29.0 / (25.0f64 * 34.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_number_against_none_is_infinitely_far() {
        for bad in [f32::NAN, f32::INFINITY] {
            let d = diff(&[1.0, 2.0], &[1.0, bad]);
            assert!(d.max_abs.is_infinite() && d.rel_l2.is_infinite() && d.cosine == 0.0);
        }
        assert!(diff(&[0.0], &[1.0]).rel_l2.is_infinite());
    }

    #[test]
    fn sequences_differ_as_the_tensors_in_them() {
        let of = |v: &[&[f32]]| {
            let items = v.iter().map(|v| Tensor::f32(&[v.len()], v)).collect();
            Tensor::sequence(dlc_ir::DType::F32, items)
        };
        let d = Difference::of(&of(&[&[3.0], &[4.0]]), &of(&[&[3.0], &[5.0]])).unwrap();
        assert_eq!((d.max_abs, d.rel_l2, d.unequal, d.elements), (1.0, 0.2, 1, 2));
        assert!(Difference::of(&of(&[&[3.0]]), &of(&[])).is_err());
        assert!(Difference::of(&of(&[]), &Tensor::f32(&[0], &[])).is_err());
    }

    #[test]
    fn other_shapes_are_a_sentence() {
        let e = Difference::of(&Tensor::f32(&[1], &[0.0]), &Tensor::f32(&[1, 1], &[0.0]));
        assert_eq!(e.unwrap_err(), "found f32[1, 1], expected f32[1]");
    }
}
