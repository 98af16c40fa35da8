//! The language of the e-graph: any registered operator is a term, so that adding one does not touch this file.

use dlc_ir::{Attrs, OpRef, Tensor, ops};
use egg::{Id, Language};
use std::fmt;

/// A term.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Term {
    /// An operator and how many results it has. Children: its attributes if it takes any, then its operands; omitted
    /// ones at the end are left out. With one result the term is that result, otherwise [`Term::Proj`] takes one.
    Op(usize, usize, Box<[Id]>),
    /// One result of an operator that has several.
    Proj(u32, Id),
    /// All attributes of an operator.
    Attrs(Attrs),
    /// A value from outside: an input, a constant of the model, a result of what the language does not look into.
    Leaf(u32),
    /// A constant that a rule brings.
    Const(Tensor),
    /// A named function on attributes and facts; only in rules.
    Fun(usize, Box<[Id]>),
    /// An omitted operand.
    Nil,
}

impl Term {
    /// The operator of a term that is one.
    pub fn op(&self) -> Option<OpRef> {
        match self {
            Term::Op(op, ..) => Some(OpRef(ops::OPS[*op])),
            _ => None,
        }
    }
}

/// Whether terms of this operator have its attributes as first child.
pub fn takes_attrs(op: OpRef) -> bool {
    !op.schema().is_empty()
}

/// Number of an operator in the list of all.
pub fn op_index(op: OpRef) -> Option<usize> {
    ops::OPS.iter().position(|o| OpRef(*o) == op)
}

impl Language for Term {
    type Discriminant = (u8, usize, usize);

    fn discriminant(&self) -> Self::Discriminant {
        match self {
            Term::Op(op, results, c) => (0, *op, results * 64 + c.len()),
            Term::Proj(k, _) => (1, *k as usize, 0),
            Term::Attrs(_) => (2, 0, 0),
            Term::Leaf(_) => (3, 0, 0),
            Term::Const(_) => (4, 0, 0),
            Term::Fun(f, _) => (5, *f, 0),
            Term::Nil => (6, 0, 0),
        }
    }

    fn matches(&self, other: &Self) -> bool {
        match (self, other) {
            (Term::Op(a, n, x), Term::Op(b, m, y)) => (a, n, x.len()) == (b, m, y.len()),
            (Term::Proj(a, _), Term::Proj(b, _)) => a == b,
            (Term::Fun(a, x), Term::Fun(b, y)) => a == b && x.len() == y.len(),
            (a, b) => a == b,
        }
    }

    fn children(&self) -> &[Id] {
        match self {
            Term::Op(_, _, c) | Term::Fun(_, c) => c,
            Term::Proj(_, c) => std::slice::from_ref(c),
            _ => &[],
        }
    }

    fn children_mut(&mut self) -> &mut [Id] {
        match self {
            Term::Op(_, _, c) | Term::Fun(_, c) => c,
            Term::Proj(_, c) => std::slice::from_mut(c),
            _ => &mut [],
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Term::Op(op, ..) => f.write_str(&OpRef(ops::OPS[*op]).full_name()),
            Term::Proj(k, _) => write!(f, ".{k}"),
            Term::Attrs(a) => {
                let a: Vec<String> = a.iter().map(|(n, v)| format!("{n}={v}")).collect();
                write!(f, "@{{{}}}", a.join(","))
            }
            Term::Leaf(k) => write!(f, "leaf{k}"),
            Term::Const(t) => write!(f, "{t:?}"),
            Term::Fun(k, _) => write!(f, "@{}", crate::functions::FUNCTIONS[*k].name),
            Term::Nil => f.write_str("_"),
        }
    }
}
