//! Operators on one operand, element by element.

use super::elementwise::{self, sample_floats};
use crate::attrs::Field;
use crate::lower::{self, Expr, Lowering};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, ensure};

/// The result for one element.
pub type Meaning = Box<dyn Fn(Num) -> Num>;

/// An operator `y = f(x)` that keeps the element type.
pub struct Unary {
    /// ONNX name.
    pub name: &'static str,
    /// ONNX domain.
    pub domain: &'static str,
    /// Attributes.
    pub schema: &'static [Field],
    /// Which element types it takes.
    pub types: fn(DType) -> bool,
    /// `f` in f64 or exact integers, for these attributes.
    pub meaning: fn(&Attrs) -> Result<Meaning>,
    /// `f` as an expression.
    pub lower: fn(&Attrs, &Expr) -> Result<Expr>,
    /// Attributes worth trying.
    pub samples: fn() -> Vec<Attrs>,
}

impl Unary {
    /// An operator of ai.onnx without attributes.
    pub const fn new(
        name: &'static str,
        types: fn(DType) -> bool,
        meaning: fn(&Attrs) -> Result<Meaning>,
        lower: fn(&Attrs, &Expr) -> Result<Expr>,
    ) -> Self {
        Unary { name, domain: "", schema: &[], types, meaning, lower, samples: || vec![Attrs::new()] }
    }
}

/// The meaning of a function on floats.
pub fn float(f: impl Fn(f64) -> f64 + 'static) -> Result<Meaning> {
    Ok(Box::new(move |v| Num::F(f(v.f()))))
}

/// The meaning of a function on floats and another on integers.
pub fn number(f: impl Fn(f64) -> f64 + 'static, i: impl Fn(i128) -> i128 + 'static) -> Result<Meaning> {
    Ok(Box::new(move |v| match v {
        Num::F(v) => Num::F(f(v)),
        Num::I(v) => Num::I(i(v)),
    }))
}

/// Whether it is a float or an integer, but no bool.
pub fn is_number(d: DType) -> bool {
    d != DType::Bool
}

/// Whether it is a float or a signed integer.
pub fn is_signed(d: DType) -> bool {
    d.is_float() || d.is_signed()
}

/// Refuses an element type that an operator does not take.
pub fn check_type(types: fn(DType) -> bool, found: DType) -> Result<()> {
    let known = crate::dtype::DTYPES.iter().map(|d| d.0).filter(|d| !d.is_narrow() && *d != DType::Str);
    let expected: Vec<&str> = known.filter(|d| types(*d)).map(DType::name).collect();
    ensure!(types(found), "an operand has elements of type {found}, expected one of {}", expected.join(", "));
    Ok(())
}

/// A tensor of every kind of type that is taken.
pub fn operands_of(types: fn(DType) -> bool) -> Vec<Tensor> {
    let fractions = sample_floats(&[3, 7], 5);
    let near_one = Tensor::f32(&[5], &[-0.9, -0.25, 0.3, 0.875, 1.5]);
    let whole = |d| Tensor::floats(d, &[4], &[0.0, 1.0, 2.0, 7.0]);
    let negative = |d| Tensor::floats(d, &[4], &[-3.0, 0.0, 2.0, -128.0]);
    let special = Tensor::f32(&[4], &[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0]);
    let floats = [fractions.clone(), near_one, special, fractions.cast(DType::F64), fractions.cast(DType::F16)];
    let integers = [negative(DType::I64), negative(DType::I8), whole(DType::U8), whole(DType::U64)];
    let bools = [Tensor::floats(DType::Bool, &[3], &[0.0, 1.0, 1.0])];
    floats.into_iter().chain(integers).chain(bools).filter(|t| types(t.dtype())).collect()
}

impl Op for Unary {
    fn name(&self) -> &'static str {
        self.name
    }
    fn domain(&self) -> &'static str {
        self.domain
    }
    fn schema(&self) -> &'static [Field] {
        self.schema
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = need(x, 0, "X")?;
        check_type(self.types, x.dtype)?;
        (self.meaning)(c.attrs).map(drop)?;
        Ok(vec![Fact::new(x.dtype, x.shape.clone())])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (x, f) = (need(x, 0, "X")?, (self.meaning)(c.attrs)?);
        Ok(vec![elementwise::eval(&[x], x.dtype(), |v| f(v[0]))?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let x = need(x, 0, "X")?;
        let load = Expr::load(0, x, Expr::vars(x.rank()));
        Ok(Lowering::Comps(vec![lower::Comp::new(&y[0], (self.lower)(c.attrs, &load)?)]))
    }
    fn samples(&self) -> Vec<Sample> {
        let each = |a: &Attrs| operands_of(self.types).into_iter().map(|x| Sample::new(a.clone(), vec![x])).collect();
        (self.samples)().iter().flat_map(|a| -> Vec<Sample> { each(a) }).collect()
    }
}
