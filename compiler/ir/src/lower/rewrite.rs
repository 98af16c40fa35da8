//! Expressions rewritten: substitution, merging of axes, renaming.

use super::affine::{Linear, mentions};
use super::{Comp, E, Expr, Ty};
use crate::Dim;
use crate::dim::product;
use std::collections::{HashMap, HashSet};

/// The axes of a comprehension with those of size 1 gone and mergeable ones merged, and its expression over them.
pub fn flatten(c: &Comp) -> (Vec<(u32, Dim)>, Expr) {
    let vars = c.shape.iter().enumerate().map(|(i, d)| (i as u32, d.clone())).collect();
    collapse(vars, &c.expr)
}

/// The same for the variables of a reduction.
pub fn collapse_reduce(vars: &[(u32, Dim)], body: &Expr) -> (Vec<(u32, Dim)>, Expr) {
    collapse(vars.to_vec(), body)
}

/// Variables without those of size 1 and with mergeable neighbours merged, and the expression over them.
pub fn collapse(vars: Vec<(u32, Dim)>, e: &Expr) -> (Vec<(u32, Dim)>, Expr) {
    let ones: Vec<u32> = vars.iter().filter(|(_, d)| d.is_one()).map(|(v, _)| *v).collect();
    let mut e = linearize(&zero_vars(e, &ones));
    let mut vars: Vec<(u32, Dim)> = vars.into_iter().filter(|(_, d)| !d.is_one()).collect();
    let mut i = 0;
    while i + 1 < vars.len() {
        let ((a, _), (v, d)) = (&vars[i], &vars[i + 1]);
        if mergeable(&e, *a, *v, d) {
            e = zero_vars(&e, &[*a]);
            vars[i + 1].1 = vars[i].1.clone() * vars[i + 1].1.clone();
            vars.remove(i);
            i = i.saturating_sub(1);
        } else {
            i += 1;
        }
    }
    (vars, e)
}

/// Whether every address steps by `d` times as much for `a` as for `v`, and neither is used otherwise.
fn mergeable(e: &Expr, a: u32, v: u32, d: &Dim) -> bool {
    match &**e {
        E::Var(x) => *x != a && *x != v,
        E::Load { shape, index, .. } => {
            let l = Linear::address(index, shape);
            match (l.step(a), l.step(v)) {
                (Some(x), Some(y)) => x == y * d.clone(),
                // An element at a place that other elements say.
                _ => {
                    let of = |v: u32| l.vars.get(&v).cloned().unwrap_or_default();
                    of(a) == of(v) * d.clone() && l.other.iter().all(|(e, _)| mergeable(e, a, v, d))
                }
            }
        }
        _ => {
            let mut ok = true;
            e.for_children(&mut |c| ok = ok && mergeable(c, a, v, d));
            ok
        }
    }
}

/// Every load as one of a vector, its index the row-major position.
fn linearize(e: &Expr) -> Expr {
    rewrite(e, &mut |e| match &**e {
        E::Load { slot, dtype, shape, index } => {
            let total = product(shape.iter());
            let at = index_expr(&Linear::address(index, shape));
            Some(Expr::load_slot(*slot, *dtype, &[total], vec![at]))
        }
        _ => None,
    })
}

/// A linear form as an expression.
pub fn index_expr(l: &Linear) -> Expr {
    let mut sum = Expr::size(&l.constant);
    let mut add = |e: Expr, c: &Dim| {
        let term = if c.is_one() { e } else { e.mul(&Expr::size(c)) };
        sum = if matches!(*sum, E::Int(Ty::I64, 0)) { term } else { sum.add(&term) };
    };
    for (v, c) in &l.vars {
        add(Expr::var(*v), c);
    }
    for (e, c) in &l.other {
        add(e.clone(), c);
    }
    sum
}

fn zero_vars(e: &Expr, vars: &[u32]) -> Expr {
    match vars.is_empty() {
        true => e.clone(),
        false => substitute(e, &|v| vars.contains(&v).then(|| Expr::int(0))),
    }
}

/// Replaces variables by expressions; shared parts stay shared.
pub fn substitute(e: &Expr, f: &dyn Fn(u32) -> Option<Expr>) -> Expr {
    rewrite(e, &mut |e| match &**e {
        E::Var(v) => f(*v),
        _ => None,
    })
}

/// Replaces, from the leaves up, what `f` replaces; shared parts stay shared, and what nothing in is replaced stays itself.
pub fn rewrite(e: &Expr, f: &mut dyn FnMut(&Expr) -> Option<Expr>) -> Expr {
    fn go(e: &Expr, f: &mut dyn FnMut(&Expr) -> Option<Expr>, done: &mut HashMap<usize, (Expr, Expr)>) -> Expr {
        if let Some((_, out)) = done.get(&e.address()) {
            return out.clone();
        }
        let mut changed = false;
        let inner = e.map_children(&mut |c| {
            let new = go(c, f, done);
            changed |= new.address() != c.address();
            new
        });
        let inner = if changed { inner } else { e.clone() };
        let out = f(&inner).unwrap_or(inner);
        done.insert(e.address(), (e.clone(), out.clone()));
        out
    }
    go(e, f, &mut HashMap::new())
}

/// Calls `f` with every part of an expression, shared ones once.
pub fn each(e: &Expr, f: &mut dyn FnMut(&Expr)) {
    fn go(e: &Expr, f: &mut dyn FnMut(&Expr), seen: &mut HashSet<usize>) {
        if seen.insert(e.address()) {
            f(e);
            e.for_children(&mut |c| go(c, f, seen));
        }
    }
    go(e, f, &mut HashSet::new());
}

/// Scalar operations of one element, counted in the size of the expression.
pub fn cost(e: &Expr) -> Dim {
    fn go(e: &Expr, seen: &mut HashMap<usize, Expr>) -> Dim {
        if seen.insert(e.address(), e.clone()).is_some() {
            return 0.into();
        }
        let mut sum: Dim = 1.into();
        e.for_children(&mut |c| sum = sum.clone() + go(c, seen));
        match &**e {
            E::Reduce(_, vars, _) => sum * product(vars.iter().map(|v| &v.1)),
            E::Var(_) | E::Int(..) | E::Size(_) | E::Float(..) => 0.into(),
            _ => sum,
        }
    }
    go(e, &mut HashMap::new())
}

/// Whether an expression depends on any of these variables.
pub fn depends(e: &Expr, vars: &[(u32, Dim)]) -> bool {
    vars.iter().any(|(v, _)| mentions(e, *v))
}

/// Whether an arm of a choice by `c` reads an element that `c` does not read in any case: the choice may be what keeps the
/// index inside.
pub fn guards(c: &Expr, arm: &Expr) -> bool {
    fn read(e: &Expr, out: &mut Vec<Expr>) {
        match &**e {
            E::Load { .. } => out.push(e.clone()),
            E::Select(c, ..) => read(c, out),
            E::Pick(..) => {}
            _ => e.for_children(&mut |c| read(c, out)),
        }
    }
    fn other(e: &Expr, known: &[Expr]) -> bool {
        if let E::Load { .. } = &**e {
            return !known.contains(e);
        }
        let mut found = false;
        e.for_children(&mut |c| found = found || other(c, known));
        found
    }
    let mut known = vec![];
    read(c, &mut known);
    other(arm, &known)
}

/// Size of an expression written out as a tree, saturating: what walking it without a memory costs.
pub fn tree_size(e: &Expr) -> usize {
    fn go(e: &Expr, done: &mut HashMap<usize, (Expr, usize)>) -> usize {
        if let Some((_, n)) = done.get(&e.address()) {
            return *n;
        }
        let mut n = 1usize;
        e.for_children(&mut |c| n = n.saturating_add(go(c, done)));
        done.insert(e.address(), (e.clone(), n));
        n
    }
    go(e, &mut HashMap::new())
}
