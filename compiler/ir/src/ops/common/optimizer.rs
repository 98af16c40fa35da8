//! One step of an optimizer over several tensors at once.

use super::builder::Builder;
use super::composite::{Definition, given};
use super::elementwise::sample_floats;
use crate::{Arity, Attrs, DType, Num, Result, Sample, Tensor, Value, ensure};

/// What all of them share: see [`super::composite::Composite`].
pub const fn composite(
    name: &'static str,
    schema: &'static [crate::attrs::Field],
    define: Definition,
    samples: fn() -> Vec<Sample>,
) -> super::composite::Composite {
    let (domain, operands, results) = ("ai.onnx.preview.training", Arity::at_least(5), Arity::at_least(2));
    super::composite::Composite { name, domain, schema, operands, results, define, samples }
}

/// Arithmetic on values of one type.
pub struct Step<'a> {
    /// The graph.
    pub b: &'a mut Builder,
    dtype: DType,
}

impl Step<'_> {
    /// A number.
    pub fn number(&mut self, v: f64) -> Value {
        self.b.number(self.dtype, v)
    }
    /// Sum.
    pub fn add(&mut self, x: Value, y: Value) -> Result<Value> {
        self.b.plain("Add", &[x, y])
    }
    /// Difference.
    pub fn sub(&mut self, x: Value, y: Value) -> Result<Value> {
        self.b.plain("Sub", &[x, y])
    }
    /// Product.
    pub fn mul(&mut self, x: Value, y: Value) -> Result<Value> {
        self.b.plain("Mul", &[x, y])
    }
    /// Quotient.
    pub fn div(&mut self, x: Value, y: Value) -> Result<Value> {
        self.b.plain("Div", &[x, y])
    }
    /// Product with a number.
    pub fn times(&mut self, by: f64, v: Value) -> Result<Value> {
        let by = self.number(by);
        self.mul(by, v)
    }
    /// `sqrt(v) + epsilon`.
    pub fn root(&mut self, v: Value, epsilon: f64) -> Result<Value> {
        let (root, epsilon) = (self.b.plain("Sqrt", &[v])?, self.number(epsilon));
        self.add(root, epsilon)
    }
    /// The update count as a float.
    pub fn count(&mut self, t: Value) -> Result<Value> {
        self.b.cast(t, self.dtype)
    }
    /// `a` in the first step (count 0), `b` in later ones.
    pub fn later(&mut self, t: Value, first: Value, later: Value) -> Result<Value> {
        let zero = self.number(0.0);
        let count = self.count(t)?;
        let begun = self.b.plain("Greater", &[count, zero])?;
        self.b.plain("Where", &[begun, later, first])
    }
}

/// One optimizer step: of learning rate, count, and one tensor of each kind (value, gradient, states) to the new value
/// and states.
pub type Update<'u> = &'u dyn Fn(&mut Step, Value, Value, &[Value]) -> Result<Vec<Value>>;

/// Applies `update` to every tensor; operands come as R, T, then kind by kind, and so do the results.
pub fn each(b: &mut Builder, x: &[Option<Value>], kinds: usize, update: Update) -> Result<Vec<Value>> {
    let (r, t, n) = (given(x, 0, "R")?, given(x, 1, "T")?, x.len().saturating_sub(2) / kinds);
    ensure!(n > 0 && x.len() == 2 + n * kinds, "{} operands, expected R, T and {kinds} for each tensor", x.len());
    let dtype = b.g.fact(given(x, 2, "X")?).dtype;
    let mut columns = vec![];
    for i in 0..n {
        let own: Vec<Value> = (0..kinds).map(|k| given(x, 2 + k * n + i, "inputs")).collect::<Result<_>>()?;
        columns.push(update(&mut Step { b: &mut *b, dtype }, r, t, &own)?);
    }
    Ok((0..kinds - 1).flat_map(|k| columns.iter().map(move |c| c[k]).collect::<Vec<_>>()).collect())
}

/// A sample with two tensors, at count `t`.
pub fn sample(attrs: Attrs, kinds: usize, t: i64) -> Sample {
    let positive = |shape: &[usize], seed: u32| {
        let v = sample_floats(shape, seed);
        Tensor::new(DType::F32, shape, v.iter().map(|v| Num::F(v.f().abs() + 0.25)))
    };
    let mut x = vec![Tensor::f32(&[], &[0.1]), Tensor::scalar(DType::I64, Num::I(t as i128))];
    for k in 0..kinds {
        let f = if k == kinds - 1 { positive } else { sample_floats };
        x.extend([f(&[3], k as u32), f(&[2, 2], 7 + k as u32)]);
    }
    Sample { outputs: 2 * (kinds - 1), ..Sample::new(attrs, x) }
}
