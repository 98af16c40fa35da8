//! Writing updates into a copy: `ScatterElements`, `ScatterND` and their like.

use super::movement::checked;
use crate::lower::{Expr, Lowering, Proc, Slot, Stmt, for_, if_, store};
use crate::tensor::cast;
use crate::{DType, Dim, Fact, Num, Result, Tensor, bail, ensure};

/// How an update meets what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// Replaces it.
    None,
    /// Is added.
    Add,
    /// Is multiplied.
    Mul,
    /// The smaller stays.
    Min,
    /// The larger stays.
    Max,
}

impl Reduction {
    /// The reduction of this ONNX name.
    pub fn named(name: &str) -> Result<Self> {
        Ok(match name {
            "none" => Reduction::None,
            "add" => Reduction::Add,
            "mul" => Reduction::Mul,
            "min" => Reduction::Min,
            "max" => Reduction::Max,
            _ => bail!("reduction is {name:?}, expected none, add, mul, min or max"),
        })
    }

    /// The same, for elements of this type: strings are only replaced.
    pub fn of(name: &str, dtype: DType) -> Result<Self> {
        ensure!(dtype != DType::Str || name == "none", "reduction is {name:?}, expected none for strings");
        Reduction::named(name)
    }

    /// What is there after an update.
    pub fn apply(self, old: Num, new: Num) -> Num {
        match (self, old, new) {
            (Reduction::None, ..) => new,
            (Reduction::Add, Num::I(a), Num::I(b)) => Num::I(a.wrapping_add(b)),
            (Reduction::Mul, Num::I(a), Num::I(b)) => Num::I(a.wrapping_mul(b)),
            (Reduction::Min, Num::I(a), Num::I(b)) => Num::I(a.min(b)),
            (Reduction::Max, Num::I(a), Num::I(b)) => Num::I(a.max(b)),
            (Reduction::Add, a, b) => Num::F(a.f() + b.f()),
            (Reduction::Mul, a, b) => Num::F(a.f() * b.f()),
            (Reduction::Min, a, b) => Num::F(if a.f() < b.f() || a.f().is_nan() { a.f() } else { b.f() }),
            (Reduction::Max, a, b) => Num::F(if a.f() > b.f() || a.f().is_nan() { a.f() } else { b.f() }),
        }
    }

    fn expr(self, old: &Expr, new: &Expr) -> Expr {
        match self {
            Reduction::None => new.clone(),
            Reduction::Add if old.ty() == crate::lower::Ty::Bool => old.or(new),
            Reduction::Mul if old.ty() == crate::lower::Ty::Bool => old.and(new),
            Reduction::Add => old.add(new),
            Reduction::Mul => old.mul(new),
            Reduction::Min => old.min(new),
            Reduction::Max => old.max(new),
        }
    }
}

/// A copy of `data` with every `(index, update)` written in order; an index may count from the end of its axis.
pub fn eval(data: &Tensor, r: Reduction, updates: impl Iterator<Item = (Vec<i64>, Num)>) -> Result<Tensor> {
    let mut out: Vec<Num> = data.iter().collect();
    for (index, v) in updates {
        let mut at = 0;
        for (i, d) in index.iter().zip(data.shape()) {
            at = at * d + checked(*i, *d)?;
        }
        let element = r.apply(out[at], v);
        out[at] = match data.dtype().is_float() {
            true => element,
            // Integers wrap after every update, as they are stored.
            false => Tensor::scalar(data.dtype(), cast(element, data.dtype())).at(0),
        };
    }
    Ok(Tensor::new(data.dtype(), data.shape(), out))
}

/// Loops over a shape with variables from `first` on around `body`.
pub fn nest(first: u32, shape: &[Dim], body: Vec<Stmt>) -> Vec<Stmt> {
    let vars = (first..).zip(shape).collect::<Vec<_>>();
    vars.into_iter().rev().fold(body, |body, (v, d)| vec![for_(v, d, body)])
}

/// The variables of such loops.
pub fn nest_vars(first: u32, rank: usize) -> Vec<Expr> {
    (first..).take(rank).map(Expr::var).collect()
}

/// Copies operand 0 into result 0, then writes the elements of operand 2 where `index` puts those at its variables
/// (numbered from the rank of the result on). Updates whose index is outside are left out.
pub fn lowering(y: &Fact, r: Reduction, x: [&Fact; 2], index: impl Fn(&[Expr]) -> Vec<Expr>) -> Lowering {
    let [data, updates] = x;
    let (here, first) = (Expr::vars(y.rank()), y.rank() as u32);
    let mut body = nest(0, &y.shape, vec![store(0, y, here.clone(), Expr::load(0, data, here))]);
    let at = nest_vars(first, updates.rank());
    let to: Vec<Expr> = index(&at).iter().zip(&y.shape).map(|(i, d)| i.wrap_index(d)).collect();
    let old = Expr::load_slot(Slot::Y(0), y.dtype, &y.shape, to.clone());
    let value = r.expr(&old, &Expr::load(2, updates, at));
    let inside = to.iter().zip(&y.shape).map(|(i, d)| i.within(d)).reduce(|a, b| a.and(&b));
    let write = if_(inside.unwrap_or(Expr::bool(true)), vec![store(0, y, to, value)]);
    body.extend(nest(first, &updates.shape, vec![write]));
    Lowering::Proc(Proc { scratch: vec![], parallel: None, body })
}
