//! The scalar language operators are lowered to.
//!
//! * [`Comp`]: one result as a pure expression of its indices. Maps, broadcasts, gathers, moves, reductions.
//!   Pure, so that one can be inlined into another.
//! * [`Contract`]: a sum of products; what fast kernels exist for (matrix products and convolutions).
//! * [`Proc`]: loops, variables and stores, for what is no pure expression (sorting, recurrences, scatter).
//! * [`Lowering::Expand`]: a graph of simpler operators. Prefer this.
//!
//! [`eval`] interprets all of them; it is the reference of every code generator, and is itself compared with `Op::eval`.

pub mod affine;
pub mod eval;
mod expr;
pub mod rewrite;

pub use expr::{Bin, Cmp, E, Expr, Monoid, Slot, Ty, Un};

use crate::{DType, Dim, Fact, Graph};

/// The register in which what is done to a contraction's sum (its epilogue) finds the sum.
pub const SUM: u32 = u32::MAX;

/// How generated code computes an operator.
#[derive(Clone, Debug)]
pub enum Lowering {
    /// Result 0 has the bytes of operand 0 under another shape, or another type of the same size.
    Alias,
    /// Every result as an expression; results in order.
    Comps(Vec<Comp>),
    /// One result as a sum of products.
    Contract(Contract),
    /// All results by one procedure.
    Proc(Proc),
    /// A closed graph: input k is operand k (omitted operands get no input, so inputs are the present operands in
    /// order), output k is result k.
    Expand(Graph),
    /// Sizes that only the data decides: `count` writes them as `Y(0)[i64; symbols.len()]`, each is bound to its
    /// symbol, then `fill` computes the results.
    Dynamic {
        /// Writes the sizes.
        count: Proc,
        /// The symbols they are bound to, as in the facts of the results.
        symbols: Vec<String>,
        /// Computes the results once sizes are known.
        fill: Box<Lowering>,
    },
    /// If, Loop and Scan: subgraphs in the attributes, run by the program's control steps.
    Control,
}

/// One result as a pure expression: element at `Var(0), .., Var(rank-1)`. Reductions use variables from `rank` on.
#[derive(Clone, Debug, PartialEq)]
pub struct Comp {
    /// Element type of the result.
    pub dtype: DType,
    /// Extent of each axis.
    pub shape: Vec<Dim>,
    /// The element.
    pub expr: Expr,
}

impl Comp {
    /// The expression of a result with this fact.
    pub fn new(y: &Fact, expr: Expr) -> Self {
        Comp { dtype: y.dtype, shape: y.shape.clone(), expr }
    }
}

/// A sum of products over `k`: result element at (batch, m, n), row-major in that order, is the sum of `a * b`.
///
/// Variables number the axes of `batch`, `m`, `n`, `k` in this order from 0. `a` depends on batch, m and k only, `b`
/// on batch, n and k only. The result's fact may group the same elements under other axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    /// Axes of both operands and the result.
    pub batch: Vec<Dim>,
    /// Axes of `a` and the result.
    pub m: Vec<Dim>,
    /// Axes of `b` and the result.
    pub n: Vec<Dim>,
    /// Summed axes.
    pub k: Vec<Dim>,
    /// First factor.
    pub a: Expr,
    /// Second factor.
    pub b: Expr,
    /// Type of the sum: F32, F64, I32 or I64.
    pub acc: Ty,
    /// Element type of the result.
    pub dtype: DType,
}

impl Contract {
    /// The same as a plain expression over axes (batch, m, n).
    pub fn to_comp(&self) -> Comp {
        let shape: Vec<Dim> = self.batch.iter().chain(&self.m).chain(&self.n).cloned().collect();
        let k = self.k.iter().enumerate().map(|(i, d)| ((shape.len() + i) as u32, d.clone())).collect();
        let body = self.a.cast(self.acc).mul(&self.b.cast(self.acc));
        Comp { dtype: self.dtype, expr: Expr::reduce(Monoid::Sum, k, body), shape }
    }
}

/// Loops and stores. Operands are `Slot::X`, results `Slot::Y`, temporaries `Slot::T`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proc {
    /// Temporaries: type and shape. Not initialised. Shared by all iterations of the parallel loop.
    pub scratch: Vec<(DType, Vec<Dim>)>,
    /// A variable and its extent: iterations are independent, run in any order, and write disjoint elements.
    pub parallel: Option<(u32, Dim)>,
    /// What is done, for each value of the parallel variable.
    pub body: Vec<Stmt>,
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Stmt {
    /// `for var in lo..hi`.
    For {
        /// Loop variable (I64).
        var: u32,
        /// First value.
        lo: Expr,
        /// One past the last.
        hi: Expr,
        /// Body.
        body: Vec<Stmt>,
    },
    /// `while cond`.
    While {
        /// Bool.
        cond: Expr,
        /// Body.
        body: Vec<Stmt>,
    },
    /// `if cond { then } else { els }`.
    If {
        /// Bool.
        cond: Expr,
        /// When true.
        then: Vec<Stmt>,
        /// When false.
        els: Vec<Stmt>,
    },
    /// Sets register `reg`, of the type of `value`; a register keeps one type.
    Set {
        /// Register.
        reg: u32,
        /// New value.
        value: Expr,
    },
    /// Stores an element, rounded or wrapped to the type of the slot.
    Store {
        /// Where.
        slot: Slot,
        /// Element type of the slot.
        dtype: DType,
        /// Row-major index.
        index: Vec<Expr>,
        /// Element.
        value: Expr,
    },
}

/// `for var in 0..extent`.
pub fn for_(var: u32, extent: &Dim, body: Vec<Stmt>) -> Stmt {
    Stmt::For { var, lo: Expr::int(0), hi: Expr::size(extent), body }
}

/// `if cond { then }`.
pub fn if_(cond: Expr, then: Vec<Stmt>) -> Stmt {
    Stmt::If { cond, then, els: vec![] }
}

/// `reg := value`.
pub fn set(reg: u32, value: Expr) -> Stmt {
    Stmt::Set { reg, value }
}

/// Stores into result `i`, whose fact is `y`.
pub fn store(i: usize, y: &Fact, index: Vec<Expr>, value: Expr) -> Stmt {
    Stmt::Store { slot: Slot::Y(i), dtype: y.dtype, index, value }
}

/// Element-wise: `f` of the operands' elements, broadcast as NumPy does to the shape of `y`.
pub fn map(y: &Fact, x: &[&Fact], f: impl FnOnce(&[Expr]) -> Expr) -> Lowering {
    let args: Vec<Expr> = x.iter().enumerate().map(|(i, x)| broadcast_load(i, x, y)).collect();
    Lowering::Comps(vec![Comp::new(y, f(&args))])
}

/// The element of operand `i` that is broadcast to the current index of result `y`. Where it is not known whether a
/// size is 1 or the result's, the step along that axis is computed: `min(size - 1, 1)`.
pub fn broadcast_load(i: usize, x: &Fact, y: &Fact) -> Expr {
    let skip = y.rank() - x.rank();
    let index = x.shape.iter().enumerate().map(|(a, d)| {
        let var = Expr::var((skip + a) as u32);
        match &y.shape[skip + a] {
            _ if d.is_one() => Expr::int(0),
            out if out == d => var,
            _ => var.mul(&Expr::size(&(d.clone() - 1.into()).min_of(&1.into()))),
        }
    });
    Expr::load(i, x, index.collect())
}

/// Result element is the operand's element at `index`.
pub fn gather(y: &Fact, x: &Fact, index: Vec<Expr>) -> Lowering {
    Lowering::Comps(vec![Comp::new(y, Expr::load(0, x, index))])
}
