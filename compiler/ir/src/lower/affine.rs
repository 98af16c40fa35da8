//! Addresses as linear forms of loop variables.

use super::{Bin, E, Expr, Ty};
use crate::Dim;
use std::collections::BTreeMap;

/// `constant + sum of coefficient * variable + sum of coefficient * expression`, all I64.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Linear {
    /// What depends on sizes only.
    pub constant: Dim,
    /// Coefficient of each loop variable.
    pub vars: BTreeMap<u32, Dim>,
    /// Coefficients of what is not linear, e.g. an index read from memory.
    pub other: Vec<(Expr, Dim)>,
}

impl Linear {
    /// The form of an index expression.
    pub fn of(e: &Expr) -> Linear {
        match &**e {
            E::Int(Ty::I64, v) => Linear { constant: (*v).into(), ..Default::default() },
            E::Size(d) => Linear { constant: d.clone(), ..Default::default() },
            E::Var(v) => Linear { vars: [(*v, 1.into())].into(), ..Default::default() },
            E::Bin(Bin::Add, a, b) => Linear::of(a).plus(Linear::of(b), &1.into()),
            E::Bin(Bin::Sub, a, b) => Linear::of(a).plus(Linear::of(b), &(-1).into()),
            E::Bin(Bin::Mul, a, b) => {
                let (x, y) = (Linear::of(a), Linear::of(b));
                match (x.as_size(), y.as_size()) {
                    (_, Some(d)) => Linear::default().plus(x, &d),
                    (Some(d), _) => Linear::default().plus(y, &d),
                    _ => Linear { other: vec![(e.clone(), 1.into())], ..Default::default() },
                }
            }
            _ => Linear { other: vec![(e.clone(), 1.into())], ..Default::default() },
        }
    }

    /// The row-major position of an index in a tensor of this shape.
    pub fn address(index: &[Expr], shape: &[Dim]) -> Linear {
        let mut out = Linear::default();
        let mut stride: Dim = 1.into();
        for (e, d) in index.iter().zip(shape).rev() {
            out = out.plus(Linear::of(e), &stride);
            stride = stride * d.clone();
        }
        out
    }

    /// `self + factor * other`.
    pub fn plus(mut self, other: Linear, factor: &Dim) -> Linear {
        self.constant = self.constant + other.constant * factor.clone();
        for (v, c) in other.vars {
            let sum = self.vars.remove(&v).unwrap_or_default() + c * factor.clone();
            if !sum.is_zero() {
                self.vars.insert(v, sum);
            }
        }
        self.other.extend(other.other.into_iter().map(|(e, c)| (e, c * factor.clone())));
        self
    }

    /// The value, if no variable is in it.
    pub fn as_size(&self) -> Option<Dim> {
        (self.vars.is_empty() && self.other.is_empty()).then(|| self.constant.clone())
    }

    /// Coefficient of a variable; `None` when the form depends on it in another way too.
    pub fn step(&self, var: u32) -> Option<Dim> {
        match self.other.iter().any(|(e, _)| mentions(e, var)) {
            true => None,
            false => Some(self.vars.get(&var).cloned().unwrap_or_default()),
        }
    }
}

/// Whether a variable occurs in an expression.
pub fn mentions(e: &Expr, var: u32) -> bool {
    if let E::Var(v) = &**e {
        return *v == var;
    }
    let mut found = false;
    e.for_children(&mut |c| found |= mentions(c, var));
    found
}
