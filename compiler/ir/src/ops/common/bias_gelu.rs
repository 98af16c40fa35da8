//! A Gelu of elements to which a bias is added first.

use super::elementwise::{self, all, sample_floats};
use super::normalize::broadcast_into;
use super::unary::check_type;
use crate::infer::same_dtype;
use crate::lower::{self, Expr, Lowering};
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor};

/// `gelu(x + bias)` in the domain com.microsoft; the bias is a vector along the last axis.
pub struct BiasGelu {
    /// Name of the operator.
    pub name: &'static str,
    /// Smallest number of operands.
    pub min: usize,
    /// The function.
    pub meaning: fn(f64) -> f64,
    /// The same as an expression.
    pub lower: fn(&Expr) -> Expr,
}

/// The operands that are there.
fn present<'a, T>(x: &[Option<&'a T>]) -> Result<Vec<&'a T>> {
    let n = x.iter().rposition(Option::is_some).map_or(0, |i| i + 1);
    all(&x[..n.max(1)])
}

impl Op for BiasGelu {
    fn name(&self) -> &'static str {
        self.name
    }
    fn domain(&self) -> &'static str {
        "com.microsoft"
    }
    fn operands(&self) -> Arity {
        Arity::range(self.min, 2)
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = present(x)?;
        same_dtype(&x)?;
        check_type(DType::is_float, x[0].dtype)?;
        let shape = match x.get(1) {
            Some(b) => broadcast_into(&x[0].shape, b, "bias")?,
            None => x[0].shape.clone(),
        };
        Ok(vec![Fact::new(x[0].dtype, shape)])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = present(x)?;
        let sum = |v: &[Num]| v.iter().map(|v| v.f()).sum::<f64>();
        Ok(vec![elementwise::eval(&x, x[0].dtype(), |v| Num::F((self.meaning)(sum(v))))?])
    }
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let sum = |v: &[Expr]| v[1..].iter().fold(v[0].clone(), |a, b| a.add(b));
        Ok(lower::map(&y[0], &present(x)?, |v| (self.lower)(&sum(v))))
    }
    fn samples(&self) -> Vec<Sample> {
        let x = |d: DType| vec![sample_floats(&[2, 3, 5], 1).cast(d), sample_floats(&[5], 2).cast(d)];
        let mut out: Vec<Sample> =
            [DType::F32, DType::F16].into_iter().map(|d| Sample::new(Attrs::new(), x(d))).collect();
        if self.min == 1 {
            out.push(Sample::new(Attrs::new(), x(DType::F32)[..1].to_vec()));
        }
        out
    }
}
