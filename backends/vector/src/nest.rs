//! A comprehension as loops: axes merged where addresses allow, the last one in lanes.

use crate::affine::{Linear, mentions};
use crate::builder::Builder;
use crate::ir::{Buf, Kernel, LANES, Reg};
use crate::scalar::{Place, Scalar, is_wide, store_at, whole_lanes};
use dlc_ir::Dim;
use dlc_ir::dim::product;
use dlc_ir::lower::{Bin, Comp, E, Expr, Slot, Ty};
use std::collections::HashMap;

/// Scalar operations below which a thread of its own does not pay.
const WORK_PER_THREAD: i64 = 32_768;

/// The kernel of one result. Slots are the buffers `place` says, the result is `Slot::Y(0)`.
pub fn kernel(name: &str, c: &Comp, place: &Place, buffers: usize) -> Kernel {
    let (vars, expr) = flatten(c);
    let mut b = Builder::new(buffers);
    let mut s = Scalar::new(place, false);
    let target = Target { buf: place(Slot::Y(0)), comp: c };
    let cost = cost(&expr);
    let split = if vars.len() >= 3 && small(&vars[vars.len() - 1].1) { 2 } else { 1 };
    let lead = vars.len().saturating_sub(split);
    let (lead, inner) = vars.split_at(lead);
    let (begin, end) = b.range();
    let per_piece = if vars.len() <= 1 { cost.clone() } else { cost * product(inner.iter().map(|v| &v.1)) };
    let work = match vars.len() {
        0 => 1.into(),
        1 => vars[0].1.clone(),
        _ => product(lead.iter().map(|v| &v.1)),
    };
    if vars.len() <= 1 {
        rows(&mut b, &mut s, &target, &expr, vars.first(), begin, end, None);
    } else {
        b.for_(begin, end, 1, |b, row| {
            decompose(b, &mut s, lead, row);
            inner_loops(b, &mut s, &target, &expr, inner, row);
        });
    }
    let grain = Dim::from(WORK_PER_THREAD).div(&per_piece.max_of(&1.into())).max_of(&1.into());
    b.finish(name, work, grain, 0.into())
}

struct Target<'a> {
    buf: Buf,
    comp: &'a Comp,
}

fn small(d: &Dim) -> bool {
    d.as_const().is_some_and(|d| d < 32)
}

/// Gives each variable its part of a row-major number.
pub fn decompose(b: &mut Builder, s: &mut Scalar, vars: &[(u32, Dim)], number: Reg) {
    let mut rest = number;
    for (i, (v, d)) in vars.iter().enumerate().rev() {
        if i == 0 {
            s.bind(*v, rest);
            break;
        }
        let d = b.size(d);
        let part = b.bin(Bin::Rem, rest, d);
        s.bind(*v, part);
        rest = b.bin(Bin::Div, rest, d);
    }
}

fn inner_loops(b: &mut Builder, s: &mut Scalar, t: &Target, e: &Expr, inner: &[(u32, Dim)], row: Reg) {
    let (v, d) = &inner[0];
    let (zero, n) = (b.index(0), b.size(d));
    let base = b.mul(row, n);
    match inner.len() {
        1 => rows(b, s, t, e, Some(&(*v, d.clone())), zero, n, Some(base)),
        _ => b.for_(zero, n, 1, |b, i| {
            s.bind(*v, i);
            let row = b.add(base, i);
            s.scope(None, |s| inner_loops(b, s, t, e, &inner[1..], row));
        }),
    }
}

/// Elements `lo..hi` of the last axis, in lanes where that is possible.
fn rows(
    b: &mut Builder,
    s: &mut Scalar,
    t: &Target,
    e: &Expr,
    var: Option<&(u32, Dim)>,
    lo: Reg,
    hi: Reg,
    base: Option<Reg>,
) {
    let Some((v, d)) = var else {
        let x = s.eval(b, e);
        let zero = b.index(0);
        return store_at(b, t.buf, t.comp.dtype, zero, 0, x);
    };
    let at = |b: &mut Builder, i: Reg| base.map_or(i, |base| b.add(base, i));
    let wide = is_wide(e, *v) && d.as_const().is_none_or(|d| d >= LANES as i64);
    let main = if wide { whole_lanes(b, lo, hi) } else { lo };
    if wide {
        b.for_(lo, main, LANES as i64, |b, i| {
            s.bind(*v, i);
            let at = at(b, i);
            s.scope(Some(*v), |s| {
                let x = s.eval(b, e);
                let x = b.widen(x, LANES as u8);
                store_at(b, t.buf, t.comp.dtype, at, 0, x);
            });
        });
    }
    if wide && d.as_const().is_some_and(|d| base.is_some() && d % LANES as i64 == 0) {
        return;
    }
    b.for_(main, hi, 1, |b, i| {
        s.bind(*v, i);
        let at = at(b, i);
        s.scope(None, |s| {
            let x = s.eval(b, e);
            store_at(b, t.buf, t.comp.dtype, at, 0, x);
        });
    });
}

/// The axes of a comprehension with those of size 1 gone and mergeable ones merged, and its expression over them.
pub fn flatten(c: &Comp) -> (Vec<(u32, Dim)>, Expr) {
    let vars = c.shape.iter().enumerate().map(|(i, d)| (i as u32, d.clone())).collect();
    collapse(vars, &c.expr)
}

/// The same for the variables of a reduction.
pub fn collapse_reduce(vars: &[(u32, Dim)], body: &Expr) -> (Vec<(u32, Dim)>, Expr) {
    collapse(vars.to_vec(), body)
}

fn collapse(vars: Vec<(u32, Dim)>, e: &Expr) -> (Vec<(u32, Dim)>, Expr) {
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
                _ => false,
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
fn index_expr(l: &Linear) -> Expr {
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

/// Replaces, from the leaves up, what `f` replaces; shared parts stay shared.
pub fn rewrite(e: &Expr, f: &mut dyn FnMut(&Expr) -> Option<Expr>) -> Expr {
    fn go(e: &Expr, f: &mut dyn FnMut(&Expr) -> Option<Expr>, done: &mut HashMap<usize, (Expr, Expr)>) -> Expr {
        if let Some((_, out)) = done.get(&e.address()) {
            return out.clone();
        }
        let inner = e.map_children(&mut |c| go(c, f, done));
        let out = f(&inner).unwrap_or(inner);
        done.insert(e.address(), (e.clone(), out.clone()));
        out
    }
    go(e, f, &mut HashMap::new())
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
