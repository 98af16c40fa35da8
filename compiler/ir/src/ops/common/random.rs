//! Operators that draw random numbers, one Philox block ([`super::philox`]) for each element: the key is the seed, the
//! counter the row-major position. The same model draws the same numbers in every run and on every target; the importer
//! gives a node without seed one of its own, made of its name.

use super::elementwise::sample_floats;
use super::movement::sizes;
use super::philox;
use super::unary::check_type;
use crate::attrs::{Field, read};
use crate::lower::{Comp, Expr, Lowering, Ty, Un};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Num, Op, Result, Sample, Tensor, ensure};
use std::f64::consts::TAU;

/// How numbers are distributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// Normal, with mean 0 and standard deviation 1.
    Normal,
    /// Uniform in `0..1`.
    Uniform,
}

/// What is drawn: `offset + factor * z`, `z` numbers of the standard distribution.
#[derive(Clone, Debug)]
pub struct Drawing {
    /// Type of the result; absent is the operand's.
    pub dtype: Option<DType>,
    /// Mean, or lower bound.
    pub offset: f64,
    /// Standard deviation, or width.
    pub factor: f64,
    /// Shape of the result; absent is the operand's.
    pub shape: Option<Vec<i64>>,
}

/// An operator that fills a tensor with random numbers.
pub struct Random {
    /// ONNX name.
    pub name: &'static str,
    /// Attributes.
    pub schema: &'static [Field],
    /// Reads them.
    pub read: fn(&Attrs) -> Result<Drawing>,
    /// Distribution.
    pub law: Law,
    /// Whether the shape is that of the operand, and not an attribute.
    pub like: bool,
}

/// The key of a node: the bits of its seed, 0 without one.
pub fn key(attrs: &Attrs) -> Result<u32> {
    Ok(read::<Option<f32>>(attrs, "seed", None)?.unwrap_or(0.0).to_bits())
}

/// Row-major position of the element at `Var(0), .., Var(rank - 1)` of a tensor of this shape.
pub fn position(shape: &[Dim]) -> Expr {
    let step = |at: Expr, (i, d): (usize, &Dim)| at.mul(&Expr::size(d)).add(&Expr::var(i as u32));
    shape.iter().enumerate().fold(Expr::int(0), step)
}

/// Two of the words as a number in `0..1` that is a multiple of `2^-digits`, at most 53 digits.
pub fn fraction(w: [u32; 2], digits: u32) -> f64 {
    let whole = ((w[0] as u64) << 32 | w[1] as u64) >> (64 - digits);
    whole as f64 * (0.5f64).powi(digits as i32)
}

/// The same as an expression (F64).
pub fn fraction_expr(w: [&Expr; 2], digits: u32) -> Expr {
    let shifted = |e: &Expr, by: f64| e.mul(&e.like(by));
    let whole = shifted(w[0], (1u64 << 32) as f64).add(w[1]);
    let whole = whole.bin(crate::lower::Bin::Shr, &whole.like((64 - digits) as f64));
    whole.cast(Ty::I64).cast(Ty::F64).mul(&Expr::num(Ty::F64, (0.5f64).powi(digits as i32)))
}

/// Digits that a fraction of this type has in full.
fn digits(dtype: DType) -> u32 {
    match dtype {
        DType::F64 => 53,
        DType::F32 => 24,
        DType::F16 => 11,
        _ => 8,
    }
}

impl Random {
    /// A number of the standard distribution; normal ones by Box and Muller's formula.
    fn draw(&self, w: [u32; 4], dtype: DType) -> f64 {
        match self.law {
            Law::Uniform => fraction([w[0], w[1]], digits(dtype)),
            Law::Normal => {
                let (u, v) = (1.0 - fraction([w[0], w[1]], 53), fraction([w[2], w[3]], 53));
                (-2.0 * u.ln()).sqrt() * (TAU * v).cos()
            }
        }
    }

    fn draw_expr(&self, w: &[Expr; 4], dtype: DType) -> Expr {
        match self.law {
            Law::Uniform => fraction_expr([&w[0], &w[1]], digits(dtype)),
            Law::Normal => {
                let (u, v) = (fraction_expr([&w[0], &w[1]], 53), fraction_expr([&w[2], &w[3]], 53));
                let radius = u.like(1.0).sub(&u).un(Un::Log).mul(&u.like(-2.0)).un(Un::Sqrt);
                radius.mul(&v.mul(&v.like(TAU)).un(Un::Cos))
            }
        }
    }
}

impl Op for Random {
    fn name(&self) -> &'static str {
        self.name
    }
    fn schema(&self) -> &'static [Field] {
        self.schema
    }
    fn operands(&self) -> Arity {
        Arity::exactly(self.like as usize)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let a = (self.read)(c.attrs)?;
        let (dtype, shape) = match a.shape {
            None => {
                let x = need(x, 0, "input")?;
                (a.dtype.unwrap_or(x.dtype), x.shape.clone())
            }
            Some(shape) => {
                ensure!(shape.iter().all(|d| *d >= 0), "shape is {shape:?}, expected sizes of 0 or more");
                (a.dtype.unwrap_or(DType::F32), shape.into_iter().map(Dim::from).collect())
            }
        };
        check_type(DType::is_float, dtype)?;
        Ok(vec![Fact::new(dtype, shape)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let facts: Vec<Option<Fact>> = x.iter().map(|t| t.map(Tensor::type_fact)).collect();
        let y = self.infer(c, &facts.iter().map(Option::as_ref).collect::<Vec<_>>())?.remove(0);
        let (key, a, shape) = (key(c.attrs)?, (self.read)(c.attrs)?, sizes(&y.shape));
        let n: usize = shape.iter().product();
        let element = |i: usize| Num::F(a.offset + a.factor * self.draw(philox::at(i as u64, key), y.dtype));
        Ok(vec![Tensor::new(y.dtype, &shape, (0..n).map(element))])
    }
    fn lowering(&self, c: &Ctx, _: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let a = (self.read)(c.attrs)?;
        let z = self.draw_expr(&philox::at_expr(&position(&y[0].shape), key(c.attrs)?), y[0].dtype);
        let e = z.mul(&z.like(a.factor)).add(&z.like(a.offset));
        Ok(Lowering::Comps(vec![Comp::new(&y[0], e.cast(Ty::of(y[0].dtype)))]))
    }
    fn samples(&self) -> Vec<Sample> {
        let given = match self.law {
            Law::Normal => Attrs::new().with("mean", 2.0f32).with("scale", 0.5f32),
            Law::Uniform => Attrs::new().with("low", -1.0f32).with("high", 3.0f32),
        };
        let cases = [(Attrs::new(), DType::F32, 0.0f32), (given.clone(), DType::F64, 1.5), (given, DType::F16, -3.0)];
        let sample = |(attrs, dtype, seed): (Attrs, DType, f32)| {
            let attrs = attrs.with("dtype", dtype).with("seed", seed);
            match self.like {
                true => Sample::new(attrs, vec![sample_floats(&[2, 3, 5], 1)]),
                false => Sample::new(attrs.with("shape", vec![4, 7]), vec![]),
            }
        };
        cases.into_iter().map(sample).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and standard deviation of 20,000 draws.
    fn moments(op: &str, attrs: Attrs) -> (f64, f64, Vec<f64>) {
        let attrs = attrs.with("shape", vec![200, 100]).with("seed", 7.0f32);
        let c = Ctx { name: "node", attrs: &attrs, outputs: 1 };
        let y = crate::ops::by_name(op).unwrap().eval(&c, &[]).unwrap().remove(0).to_f64();
        let mean = y.iter().sum::<f64>() / y.len() as f64;
        let variance = y.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / y.len() as f64;
        (mean, variance.sqrt(), y)
    }

    #[test]
    fn numbers_follow_their_law() {
        let (mean, deviation, _) = moments("RandomNormal", Attrs::new().with("mean", 3.0f32).with("scale", 2.0f32));
        assert!((mean - 3.0).abs() < 0.05 && (deviation - 2.0).abs() < 0.05, "{mean} {deviation}");
        let (mean, deviation, y) = moments("RandomUniform", Attrs::new().with("low", -1.0f32).with("high", 5.0f32));
        assert!((mean - 2.0).abs() < 0.05 && (deviation - 3f64.sqrt()).abs() < 0.05, "{mean} {deviation}");
        assert!(y.iter().all(|v| (-1.0..5.0).contains(v)));
    }
}
