//! Operators on any number of operands, element by element, with broadcasting.

use super::binary::operands_of;
use super::elementwise::{self, all, sample_floats};
use super::unary::check_type;
use crate::infer::same_dtype;
use crate::lower::{self, Expr, Lowering};
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Num, Op, Result, Sample, Tensor};

/// An operator that folds its operands with a function of two.
pub struct Variadic {
    /// ONNX name.
    pub name: &'static str,
    /// Which element types it takes.
    pub types: fn(DType) -> bool,
    /// The function of two, in f64 or exact integers.
    pub step: fn(Num, Num) -> Num,
    /// What is done with the folded value, given the number of operands.
    pub last: fn(Num, usize) -> Num,
    /// The function of two as an expression.
    pub lower: fn(&Expr, &Expr) -> Expr,
    /// What is done last, as an expression.
    pub lower_last: fn(Expr, usize) -> Expr,
    /// The function of two on integers known as expressions over the sizes.
    pub dims: Option<fn(&Dim, &Dim) -> Dim>,
}

impl Op for Variadic {
    fn name(&self) -> &'static str {
        self.name
    }
    fn operands(&self) -> Arity {
        Arity::at_least(1)
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = all(x)?;
        same_dtype(&x)?;
        check_type(self.types, x[0].dtype)?;
        let fold =
            |v: &[&Dim]| Some(v[1..].iter().fold(v[0].clone(), |a, b| self.dims.map_or(a.clone(), |f| f(&a, b))));
        Ok(vec![match self.dims {
            Some(_) => elementwise::infer_known_all(&x, x[0].dtype, fold)?,
            None => elementwise::infer(&x, x[0].dtype)?,
        }])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = all(x)?;
        let fold = |v: &[Num]| (self.last)(v[1..].iter().fold(v[0], |a, b| (self.step)(a, *b)), v.len());
        Ok(vec![elementwise::eval(&x, x[0].dtype(), fold)?])
    }
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let fold = |v: &[Expr]| v[1..].iter().fold(v[0].clone(), |a, b| (self.lower)(&a, b));
        Ok(lower::map(&y[0], &all(x)?, |v| (self.lower_last)(fold(v), v.len())))
    }
    fn samples(&self) -> Vec<Sample> {
        let mut x = operands_of(self.types);
        x.push(vec![sample_floats(&[3], 1)]);
        x.push(vec![sample_floats(&[2, 3], 1), sample_floats(&[3], 2), sample_floats(&[2, 1], 3)]);
        x.push(vec![Tensor::f32(&[2], &[f32::NAN, 1.0]), sample_floats(&[2], 2)]);
        x.into_iter().map(|x| Sample::new(Attrs::new(), x)).collect()
    }
}
