//! Scalar expressions with value types of their own.

use crate::{DType, Dim, Fact};
use std::ops::Deref;
use std::sync::Arc;

/// Type of a scalar while it is computed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ty {
    /// f32; also what elements of narrower floats are computed in.
    F32,
    /// f64.
    F64,
    /// Wrapping 32-bit; also what elements of narrower integers are computed in.
    I32,
    /// Wrapping 64-bit; also what u32 elements are computed in. Type of sizes and indices.
    I64,
    /// Wrapping 64-bit unsigned.
    U64,
    /// True or false.
    Bool,
}

impl Ty {
    /// The type elements of `dtype` are computed in.
    pub fn of(dtype: DType) -> Ty {
        match dtype {
            DType::F64 => Ty::F64,
            DType::U32 | DType::I64 => Ty::I64,
            DType::U64 => Ty::U64,
            DType::Bool => Ty::Bool,
            d if d.is_float() => Ty::F32,
            _ => Ty::I32,
        }
    }

    /// F32 or F64.
    pub fn is_float(self) -> bool {
        matches!(self, Ty::F32 | Ty::F64)
    }
}

/// Operations on one scalar. The operand's type is the result's, but for `IsNan` (Bool).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Un {
    Neg,
    Abs,
    /// Logical not of a Bool, bitwise not of an integer.
    Not,
    Floor,
    Ceil,
    Trunc,
    /// To the nearest integer, ties to even.
    Round,
    Sqrt,
    Exp,
    Log,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Asinh,
    Acosh,
    Atanh,
    Erf,
    IsNan,
}

impl Un {
    /// Whether the result for floats is never rounded.
    pub fn is_exact(self) -> bool {
        matches!(self, Un::Neg | Un::Abs | Un::Not | Un::Floor | Un::Ceil | Un::Trunc | Un::Round | Un::IsNan)
    }
}

/// Operations on two scalars of one type, which is the result's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bin {
    /// Sum.
    Add,
    /// Difference.
    Sub,
    /// Product.
    Mul,
    /// Quotient; integers truncate towards zero; an integer divided by zero is 0.
    Div,
    /// Remainder with the sign of the dividend; an integer by zero is 0.
    Rem,
    /// Smaller; NaN if either is.
    Min,
    /// Larger; NaN if either is.
    Max,
    /// Power (floats).
    Pow,
    /// Logical or bitwise.
    And,
    /// Logical or bitwise.
    Or,
    /// Logical or bitwise.
    Xor,
    /// Left shift of integers; by 64 or more is 0.
    Shl,
    /// Right shift of integers, logical for U64 and non-negative values.
    Shr,
}

impl Bin {
    /// Whether the result for floats is never rounded.
    pub fn is_exact(self) -> bool {
        !matches!(self, Bin::Add | Bin::Sub | Bin::Mul | Bin::Div | Bin::Pow)
    }
}

/// Comparisons of two scalars of one type; result is Bool; comparisons with NaN are false but for `Ne`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Cmp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// How a reduction combines elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Monoid {
    Sum,
    Prod,
    Min,
    Max,
    And,
    Or,
}

/// Which tensor of an operator an element is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// Operand.
    X(usize),
    /// Result.
    Y(usize),
    /// Temporary of a procedure.
    T(usize),
}

/// A scalar expression.
#[derive(Clone, Debug, PartialEq)]
pub enum E {
    /// A float constant of type F32 or F64.
    Float(Ty, f64),
    /// An integer or Bool constant.
    Int(Ty, i64),
    /// A size known when the shapes are: I64.
    Size(Dim),
    /// A loop variable or index: I64.
    Var(u32),
    /// A register of a procedure.
    Reg(u32, Ty),
    /// An element of a tensor; one index (I64) per axis, always within bounds when evaluated. `shape` is the
    /// tensor's. Out of bounds is undefined: guard with `Select`, whose untaken side is not evaluated.
    Load {
        /// Which tensor.
        slot: Slot,
        /// Its element type.
        dtype: DType,
        /// Its shape.
        shape: Arc<[Dim]>,
        /// Index along each axis.
        index: Vec<Expr>,
    },
    /// Operation on one.
    Un(Un, Expr),
    /// Operation on two.
    Bin(Bin, Expr, Expr),
    /// Comparison.
    Cmp(Cmp, Expr, Expr),
    /// `if c { a } else { b }`; only the taken side is evaluated.
    Select(Expr, Expr, Expr),
    /// One of several values by a number (I64) below their count; only that one is evaluated. Code that writes out the
    /// values of the number takes its pick when it is generated.
    Pick(Expr, Vec<Expr>),
    /// Conversion: float to integer truncates and saturates (NaN is 0), integers wrap, Bool is `!= 0`.
    Cast(Ty, Expr),
    /// Rounds or wraps to what an element of this type can hold, as storing it would; the type stays.
    Round(DType, Expr),
    /// Combines the body over all values of the variables; an empty reduction is the neutral element.
    Reduce(Monoid, Vec<(u32, Dim)>, Expr),
}

/// A shared scalar expression. Methods build larger ones; mixing types is a bug and panics.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr(Arc<E>);

impl Deref for Expr {
    type Target = E;
    fn deref(&self) -> &E {
        &self.0
    }
}

impl From<E> for Expr {
    fn from(e: E) -> Self {
        Expr(Arc::new(e))
    }
}

macro_rules! bin {
    ($($name:ident $op:ident $doc:literal;)*) => { $(
        #[doc = $doc]
        pub fn $name(&self, other: &Expr) -> Expr { self.bin(Bin::$op, other) }
    )* };
}
macro_rules! cmp {
    ($($name:ident $op:ident;)*) => { $(
        #[doc = "Comparison."]
        pub fn $name(&self, other: &Expr) -> Expr { self.compare(Cmp::$op, other) }
    )* };
}

impl Expr {
    /// Identity of the shared node; equal addresses are equal expressions.
    pub fn address(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }
    /// An index constant (I64).
    pub fn int(v: i64) -> Expr {
        E::Int(Ty::I64, v).into()
    }
    /// A constant of any type; integers truncate.
    pub fn num(ty: Ty, v: f64) -> Expr {
        match ty.is_float() {
            true => E::Float(ty, v).into(),
            false => E::Int(ty, v as i64).into(),
        }
    }
    /// A constant of the same type as `self`.
    pub fn like(&self, v: f64) -> Expr {
        Expr::num(self.ty(), v)
    }
    /// A Bool constant.
    pub fn bool(v: bool) -> Expr {
        E::Int(Ty::Bool, v as i64).into()
    }
    /// A size (I64).
    pub fn size(d: &Dim) -> Expr {
        match d.as_const() {
            Some(v) => Expr::int(v),
            None => E::Size(d.clone()).into(),
        }
    }
    /// A loop variable (I64).
    pub fn var(v: u32) -> Expr {
        E::Var(v).into()
    }
    /// A register of this type.
    pub fn reg(r: u32, ty: Ty) -> Expr {
        E::Reg(r, ty).into()
    }
    /// The variables `0..rank`.
    pub fn vars(rank: usize) -> Vec<Expr> {
        (0..rank as u32).map(Expr::var).collect()
    }
    /// An element of operand `i`, whose fact is `x`.
    pub fn load(i: usize, x: &Fact, index: Vec<Expr>) -> Expr {
        Expr::load_slot(Slot::X(i), x.dtype, &x.shape, index)
    }
    /// An element of any tensor of a procedure.
    pub fn load_slot(slot: Slot, dtype: DType, shape: &[Dim], index: Vec<Expr>) -> Expr {
        assert_eq!(shape.len(), index.len(), "an index for every axis");
        E::Load { slot, dtype, shape: shape.into(), index }.into()
    }
    /// Operation on one.
    pub fn un(&self, op: Un) -> Expr {
        E::Un(op, self.clone()).into()
    }
    /// Operation on two of one type.
    pub fn bin(&self, op: Bin, other: &Expr) -> Expr {
        assert_eq!(self.ty(), other.ty(), "{op:?} of two types");
        E::Bin(op, self.clone(), other.clone()).into()
    }
    /// Comparison of two of one type.
    pub fn compare(&self, op: Cmp, other: &Expr) -> Expr {
        assert_eq!(self.ty(), other.ty(), "{op:?} of two types");
        E::Cmp(op, self.clone(), other.clone()).into()
    }
    bin! {
        add Add "Sum."; sub Sub "Difference."; mul Mul "Product."; div Div "Quotient; integers truncate.";
        rem Rem "Remainder with the sign of the dividend."; min Min "Smaller."; max Max "Larger."; pow Pow "Power.";
        and And "Logical or bitwise and."; or Or "Logical or bitwise or."; xor Xor "Logical or bitwise xor.";
    }
    cmp! { eq Eq; ne Ne; lt Lt; le Le; gt Gt; ge Ge; }
    /// `if self { a } else { b }`.
    pub fn select(&self, a: &Expr, b: &Expr) -> Expr {
        assert_eq!((self.ty(), a.ty()), (Ty::Bool, b.ty()), "select between two types");
        E::Select(self.clone(), a.clone(), b.clone()).into()
    }
    /// One of these, which have one type, by this number (I64), which is below their count.
    pub fn pick(&self, of: Vec<Expr>) -> Expr {
        assert!(self.ty() == Ty::I64 && of.iter().all(|e| e.ty() == of[0].ty()), "picks of one type by an index");
        E::Pick(self.clone(), of).into()
    }
    /// Converted; unchanged when it has the type already.
    pub fn cast(&self, ty: Ty) -> Expr {
        if self.ty() == ty { self.clone() } else { E::Cast(ty, self.clone()).into() }
    }
    /// Rounded or wrapped to an element of `dtype`.
    pub fn round_to(&self, dtype: DType) -> Expr {
        E::Round(dtype, self.clone()).into()
    }
    /// Combined over all values of `vars`, whose numbers appear nowhere else in the expression.
    pub fn reduce(m: Monoid, vars: Vec<(u32, Dim)>, body: Expr) -> Expr {
        E::Reduce(m, vars, body).into()
    }
    /// `1 / (1 + exp(-self))`.
    pub fn sigmoid(&self) -> Expr {
        let one = self.like(1.0);
        one.div(&one.add(&self.un(Un::Neg).un(Un::Exp)))
    }
    /// Whether `0 <= self < extent`.
    pub fn within(&self, extent: &Dim) -> Expr {
        self.ge(&Expr::int(0)).and(&self.lt(&Expr::size(extent)))
    }
    /// Floor of the quotient by a positive constant or size (I64).
    pub fn floor_div(&self, by: &Expr) -> Expr {
        let q = self.div(by);
        let down = self.rem(by).lt(&Expr::int(0));
        down.select(&q.sub(&Expr::int(1)), &q)
    }
    /// A possibly negative index counted from the end (I64).
    pub fn wrap_index(&self, extent: &Dim) -> Expr {
        self.lt(&Expr::int(0)).select(&self.add(&Expr::size(extent)), self)
    }

    /// Type of the value.
    pub fn ty(&self) -> Ty {
        match &**self {
            E::Float(t, _) | E::Int(t, _) | E::Reg(_, t) | E::Cast(t, _) => *t,
            E::Size(_) | E::Var(_) => Ty::I64,
            E::Load { dtype, .. } => Ty::of(*dtype),
            E::Un(Un::IsNan, _) | E::Cmp(..) => Ty::Bool,
            E::Un(_, a) | E::Bin(_, a, _) | E::Round(_, a) | E::Reduce(_, _, a) => a.ty(),
            E::Select(_, a, _) => a.ty(),
            E::Pick(_, of) => of[0].ty(),
        }
    }

    /// The expression with its direct parts replaced.
    pub fn map_children(&self, f: &mut dyn FnMut(&Expr) -> Expr) -> Expr {
        match &**self {
            E::Load { slot, dtype, shape, index } => {
                let index = index.iter().map(f).collect();
                E::Load { slot: *slot, dtype: *dtype, shape: shape.clone(), index }.into()
            }
            E::Un(op, a) => E::Un(*op, f(a)).into(),
            E::Bin(op, a, b) => E::Bin(*op, f(a), f(b)).into(),
            E::Cmp(op, a, b) => E::Cmp(*op, f(a), f(b)).into(),
            E::Select(c, a, b) => E::Select(f(c), f(a), f(b)).into(),
            E::Pick(i, of) => E::Pick(f(i), of.iter().map(f).collect()).into(),
            E::Cast(t, a) => E::Cast(*t, f(a)).into(),
            E::Round(d, a) => E::Round(*d, f(a)).into(),
            E::Reduce(m, v, a) => E::Reduce(*m, v.clone(), f(a)).into(),
            _ => self.clone(),
        }
    }

    /// Calls `f` on the direct parts.
    pub fn for_children(&self, f: &mut dyn FnMut(&Expr)) {
        match &**self {
            E::Load { index, .. } => index.iter().for_each(f),
            E::Un(_, a) | E::Cast(_, a) | E::Round(_, a) | E::Reduce(_, _, a) => f(a),
            E::Bin(_, a, b) | E::Cmp(_, a, b) => {
                f(a);
                f(b);
            }
            E::Select(c, a, b) => {
                f(c);
                f(a);
                f(b);
            }
            E::Pick(i, of) => {
                f(i);
                of.iter().for_each(f);
            }
            E::Float(..) | E::Int(..) | E::Size(_) | E::Var(_) | E::Reg(..) => {}
        }
    }
}
