//! Operators on two operands, element by element, with broadcasting.

use super::elementwise::{self, all, sample_floats};
use super::unary::check_type;
use crate::infer::same_dtype;
use crate::lower::{self, Expr, Lowering};
use crate::op::Strings;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Num, Op, Result, Sample, Tensor};

/// An operator `y = f(a, b)` on operands of one element type.
pub struct Binary {
    /// ONNX name.
    pub name: &'static str,
    /// Which element types it takes.
    pub types: fn(DType) -> bool,
    /// Element type of the result, from that of the operands.
    pub result: fn(DType) -> DType,
    /// `f` in f64 or exact integers.
    pub meaning: fn(Num, Num) -> Num,
    /// `f` as an expression.
    pub lower: fn(&Expr, &Expr) -> Expr,
    /// `f` on integers known as expressions over the sizes, where an expression says it.
    pub dims: fn(&Dim, &Dim) -> Option<Dim>,
}

/// The result has the type of the operands.
pub fn same(d: DType) -> DType {
    d
}

/// The result is bool.
pub fn to_bool(_: DType) -> DType {
    DType::Bool
}

/// Whether it is bool.
pub fn is_bool(d: DType) -> bool {
    d == DType::Bool
}

/// Shape arithmetic that no expression says.
pub fn unknown(_: &Dim, _: &Dim) -> Option<Dim> {
    None
}

/// Whether `a` is less than `b`, if sizes of at least 0 decide it.
pub fn less(a: &Dim, b: &Dim) -> Option<bool> {
    match () {
        _ if (b.clone() - a.clone()).at_least(1) => Some(true),
        _ if (a.clone() - b.clone()).at_least(0) => Some(false),
        _ => None,
    }
}

/// Whether two sizes are equal, if that is decided for all values of the symbols.
pub fn equal(a: &Dim, b: &Dim) -> Option<bool> {
    match () {
        _ if a == b => Some(true),
        _ if less(a, b) == Some(true) || less(b, a) == Some(true) => Some(false),
        _ => None,
    }
}

/// `f` of two floats or `i` of two integers.
pub fn number(a: Num, b: Num, f: impl Fn(f64, f64) -> f64, i: impl Fn(i128, i128) -> i128) -> Num {
    match (a, b) {
        (Num::I(a), Num::I(b)) => Num::I(i(a, b)),
        (a, b) => Num::F(f(a.f(), b.f())),
    }
}

/// A comparison of two floats or of two integers.
pub fn compare(a: Num, b: Num, f: impl Fn(f64, f64) -> bool, i: impl Fn(i128, i128) -> bool) -> Num {
    Num::from(match (a, b) {
        (Num::I(a), Num::I(b)) => i(a, b),
        (a, b) => f(a.f(), b.f()),
    })
}

/// Pairs of every kind of type that is taken, some to broadcast.
pub fn operands_of(types: fn(DType) -> bool) -> Vec<Vec<Tensor>> {
    let f = |a: &[usize], b: &[usize], d| vec![sample_floats(a, 1).cast(d), sample_floats(b, 2).cast(d)];
    let whole = |d, a: &[f64], b: &[f64]| vec![Tensor::floats(d, &[a.len()], a), Tensor::floats(d, &[b.len()], b)];
    let list = [
        f(&[2, 3], &[2, 3], DType::F32),
        f(&[2, 1, 3], &[4, 1], DType::F32),
        f(&[3], &[], DType::F64),
        f(&[5], &[5], DType::F16),
        whole(DType::I64, &[-7.0, 2.0, 7.0], &[2.0, 3.0, -2.0]),
        whole(DType::I64, &[6.0, 5.0, 0.0], &[5.0]),
        whole(DType::I32, &[6.0, -5.0, 3.0, 4.0], &[4.0, 3.0, 0.0, 4.0]),
        whole(DType::U8, &[200.0, 3.0], &[100.0, 2.0]),
        whole(DType::Bool, &[0.0, 0.0, 1.0, 1.0], &[0.0, 1.0, 0.0, 1.0]),
    ];
    list.into_iter().filter(|x| types(x[0].dtype())).collect()
}

impl Op for Binary {
    fn name(&self) -> &'static str {
        self.name
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn strings(&self) -> Strings {
        if (self.types)(DType::Str) { Strings::Moved(|_| true) } else { Strings::Refused }
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = all(x)?;
        same_dtype(&x)?;
        check_type(self.types, x[0].dtype)?;
        Ok(vec![elementwise::infer_known(&x, (self.result)(x[0].dtype), self.dims)?])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = all(x)?;
        Ok(vec![elementwise::eval(&x, (self.result)(x[0].dtype()), |v| (self.meaning)(v[0], v[1]))?])
    }
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        Ok(lower::map(&y[0], &all(x)?, |v| (self.lower)(&v[0], &v[1])))
    }
    fn samples(&self) -> Vec<Sample> {
        operands_of(self.types).into_iter().map(|x| Sample::new(Attrs::new(), x)).collect()
    }
}
