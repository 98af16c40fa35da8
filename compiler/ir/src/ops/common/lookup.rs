//! Tables from keys to values: `LabelEncoder` and its like.

use super::expansion::Expansion;
use crate::lower::Lowering;
use crate::{Attrs, DType, Fact, Num, Result, Tensor, ensure};
use std::collections::BTreeMap;

/// What an element is looked up by: NaN is equal to NaN, and 0 to -0.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Text(&'a str),
    Int(i128),
    Float(u64),
}

fn key(t: &Tensor, i: usize) -> Key<'_> {
    match t.at(i) {
        _ if t.dtype() == DType::Str => Key::Text(t.string(i)),
        Num::I(v) => Key::Int(v),
        Num::F(v) if v.is_nan() => Key::Float(f64::NAN.to_bits()),
        Num::F(v) => Key::Float((v + 0.0).to_bits()),
    }
}

/// A table: vectors of keys and of as many values, and one more value for what is no key.
pub struct Lookup {
    /// The keys; of equal ones the first counts.
    pub keys: Tensor,
    /// The values.
    pub values: Tensor,
    /// The value of anything else.
    pub default: Tensor,
}

impl Lookup {
    /// Refuses a table that is none.
    pub fn check(&self) -> Result<()> {
        let (k, v) = (self.keys.len(), self.values.len());
        ensure!(k == v && k > 0, "attributes give {k} keys and {v} values, expected as many, and one or more");
        let (d, t) = (&self.default, self.values.dtype());
        ensure!(d.len() == 1 && d.dtype() == t, "operand default is {}, expected one {t}", d.type_fact());
        Ok(())
    }

    /// Fact of the values of `x`.
    pub fn infer(&self, x: &Fact) -> Result<Fact> {
        self.check()?;
        ensure!(x.dtype == self.keys.dtype(), "operand X is {x}, expected the type of the keys, {}", self.keys.dtype());
        Ok(Fact::new(self.values.dtype(), x.shape.iter().cloned()))
    }

    /// The values of the elements of `x`.
    pub fn eval(&self, x: &Tensor) -> Tensor {
        let mut at = BTreeMap::new();
        for i in 0..self.keys.len() {
            at.entry(key(&self.keys, i)).or_insert(i);
        }
        let found: Vec<Option<usize>> = (0..x.len()).map(|i| at.get(&key(x, i)).copied()).collect();
        if self.values.dtype() == DType::Str {
            let text = found.into_iter().map(|i| i.map_or(self.default.string(0), |i| self.values.string(i)));
            return Tensor::of_strings(x.shape(), text);
        }
        let value = |i: Option<usize>| i.map_or(self.default.at(0), |i| self.values.at(i));
        Tensor::new(self.values.dtype(), x.shape(), found.into_iter().map(value))
    }

    /// The same of numbers: every element is compared with every key.
    pub fn lowering(&self, x: &[Option<&Fact>]) -> Result<Lowering> {
        let mut e = Expansion::of(x);
        let flat = |t: &Tensor| t.reshape(&[t.len()]);
        let (last, keys, values) = (e.ints(&[-1]), e.constant(flat(&self.keys)?), e.constant(flat(&self.values)?));
        let x = e.x(0)?;
        let x = e.op("Unsqueeze", &[x, last])?;
        let mut same = e.op("Equal", &[x, keys])?;
        if self.keys.dtype().is_float() {
            let nans = (e.op("IsNaN", &[x])?, e.op("IsNaN", &[keys])?);
            let both = e.op("And", &[nans.0, nans.1])?;
            same = e.op("Or", &[same, both])?;
        }
        let same = e.cast(same, DType::I32)?;
        let first = e.with("ArgMax", Attrs::new().with("axis", -1i64).with("keepdims", 0i64), &[same])?;
        let found = e.with("ReduceMax", Attrs::new().with("keepdims", 0i64), &[same, last])?;
        let found = e.cast(found, DType::Bool)?;
        let value = e.op("Gather", &[values, first])?;
        let default = e.constant(self.default.reshape(&[])?);
        let y = e.op("Where", &[found, value, default])?;
        Ok(e.done(&[y]))
    }
}
