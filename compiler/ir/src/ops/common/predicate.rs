//! Questions to one element of a float tensor.

use super::elementwise;
use super::quantize::sample_narrow;
use super::unary::{check_type, operands_of};
use crate::attrs::Field;
use crate::lower::{self, Expr, Lowering};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor};

/// An operator whose result tells of each element whether something holds.
pub struct Predicate {
    /// ONNX name.
    pub name: &'static str,
    /// Attributes.
    pub schema: &'static [Field],
    /// What holds, for these attributes.
    pub meaning: fn(&Attrs, f64) -> Result<bool>,
    /// The same as an expression.
    pub lower: fn(&Attrs, &Expr) -> Result<Expr>,
    /// Attributes worth trying.
    pub samples: fn() -> Vec<Attrs>,
}

impl Op for Predicate {
    fn name(&self) -> &'static str {
        self.name
    }
    fn schema(&self) -> &'static [Field] {
        self.schema
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = need(x, 0, "X")?;
        check_type(DType::is_float, x.dtype)?;
        (self.meaning)(c.attrs, 0.0)?;
        Ok(vec![Fact::new(DType::Bool, x.shape.clone())])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let holds = |v: Num| Num::from((self.meaning)(c.attrs, v.f()).unwrap_or(false));
        Ok(vec![elementwise::eval(&[need(x, 0, "X")?], DType::Bool, |v| holds(v[0]))?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let x = need(x, 0, "X")?;
        let load = Expr::load(0, x, Expr::vars(x.rank()));
        Ok(Lowering::Comps(vec![lower::Comp::new(&y[0], (self.lower)(c.attrs, &load)?)]))
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let narrow = [DType::F8E4M3FN, DType::F8E5M2].map(sample_narrow);
        let operands: Vec<Tensor> = operands_of(DType::is_float).into_iter().chain(narrow).collect();
        let each = |a: Attrs| operands.iter().map(|x| Sample::new(a.clone(), vec![x.clone()])).collect::<Vec<_>>();
        (self.samples)().into_iter().flat_map(each).collect()
    }
}
