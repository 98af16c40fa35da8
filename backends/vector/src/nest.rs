//! A comprehension as loops: axes merged where addresses allow, the last one in lanes.

use crate::builder::Builder;
use crate::ir::{Buf, Kernel, Reg};
use crate::level::Level;
use crate::scalar::{Place, Scalar, has_parts, is_wide, moved_bits, store_at, unrounded, whole_lanes};
use crate::{transposed, window};
use dlc_ir::dim::product;
use dlc_ir::lower::affine::{Linear, mentions};
use dlc_ir::lower::rewrite::{cost, flatten, rewrite};
use dlc_ir::lower::{Bin, Cmp, Comp, E, Expr, Slot, Ty};
use dlc_ir::{DType, Dim};
use std::collections::BTreeMap;

/// Scalar operations below which a thread of its own does not pay.
pub(crate) const WORK_PER_THREAD: i64 = 32_768;

/// The kernel of one result. Slots are the buffers `place` says, the result is `Slot::Y(0)`.
pub fn kernel(level: Level, name: &str, c: &Comp, place: &Place, buffers: usize) -> Kernel {
    let halves = matches!(c.dtype, DType::F16 | DType::BF16).then(|| moved_bits(&c.expr, c.dtype)).flatten();
    let moved = halves.map(|expr| Comp { dtype: DType::U16, shape: c.shape.clone(), expr });
    let c = moved.as_ref().unwrap_or(c);
    let (vars, expr) = flatten(c);
    let expr = unrounded(&expr, c.dtype).clone();
    if let Some(t) = transposed::find(level, &vars, &expr, c.dtype) {
        let outer = first_axes(c, &t.matrices());
        return Kernel { outer, ..t.kernel(level, name, place, buffers) };
    }
    let mut kernel = match window::find(level, &vars, &expr, c.dtype) {
        Some(w) => w.kernel(level, name, c, place, buffers),
        None => loops(level, name, c, (&vars, &expr), place, buffers),
    };
    kernel.outer = first_axes(c, &kernel.work);
    kernel
}

/// The first axes of the result, as many as have so many elements: axes that were merged are no less row-major.
fn first_axes(c: &Comp, work: &Dim) -> Vec<(Expr, Dim)> {
    let axes = (0..=c.shape.len()).find(|n| product(&c.shape[..*n]) == *work).unwrap_or(0);
    c.shape[..axes].iter().enumerate().map(|(v, d)| (Expr::var(v as u32), d.clone())).collect()
}

/// The kernel of an expression over some variables.
fn loops(
    level: Level,
    name: &str,
    c: &Comp,
    (vars, expr): (&[(u32, Dim)], &Expr),
    place: &Place,
    buffers: usize,
) -> Kernel {
    let mut b = Builder::new(level, buffers);
    let mut s = Scalar::new(place, false);
    let target = Target { buf: place(Slot::Y(0)), comp: c };
    let cost = cost(expr);
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
        rows(&mut b, &mut s, &target, expr, vars.first(), begin, end, None);
    } else {
        b.for_(begin, end, 1, |b, row| {
            decompose(b, &mut s, lead, row);
            inner_loops(b, &mut s, &target, expr, inner, row);
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
        let (quotient, part) = div_rem(b, rest, d);
        s.bind(*v, part);
        rest = quotient;
    }
}

/// Quotient and remainder, by one division.
pub(crate) fn div_rem(b: &mut Builder, a: Reg, d: Reg) -> (Reg, Reg) {
    let quotient = b.bin(Bin::Div, a, d);
    let whole = b.mul(quotient, d);
    (quotient, b.bin(Bin::Sub, a, whole))
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
    let parts = if is_wide(e, *v) { vec![] } else { parts(e, *v, d) };
    if parts.len() > 1 {
        let (mut from, mut start) = (lo, Dim::from(0));
        for (end, e) in parts {
            let to = b.size(&end);
            let to = b.bin(Bin::Max, to, from);
            let to = b.bin(Bin::Min, to, hi);
            rows(b, s, t, &e, Some(&(*v, end.clone() - start)), from, to, base);
            (from, start) = (to, end);
        }
        return;
    }
    let at = |b: &mut Builder, i: Reg| base.map_or(i, |base| b.add(base, i));
    let wide = is_wide(e, *v);
    let guarded = if wide { None } else { guards(e, *v).filter(|g| is_wide(&g.1, *v)) };
    if !wide && guarded.is_none() {
        return one_by_one(b, s, t, e, *v, lo, hi, &at);
    }
    // Elements that lanes do not reach are computed as those in lanes are.
    s.sequential(|s| {
        let least = if in_parts(b, t, e) { 2 } else { b.lanes() as i64 };
        if d.as_const().is_some_and(|d| d < least) {
            return one_by_one(b, s, t, e, *v, lo, hi, &at);
        }
        let Some((limits, inside)) = guarded else {
            let whole = d.as_const().is_some_and(|d| base.is_some() && d % b.lanes() as i64 == 0);
            return in_lanes(b, s, t, e, *v, (lo, hi), whole, &at);
        };
        let (first, last) = interior(b, s, &limits, lo, hi);
        one_by_one(b, s, t, e, *v, lo, first, &at);
        in_lanes(b, s, t, &inside, *v, (first, last), false, &at);
        one_by_one(b, s, t, e, *v, last, hi, &at);
    });
}

/// Whether a part of a vector of the elements can be computed: what it loads and what it stores.
fn in_parts(b: &Builder, t: &Target, e: &Expr) -> bool {
    has_parts(b.level(), e, t.comp.dtype)
}

/// Elements `lo..hi` in lanes, and those that are left in a part of a vector or one by one; `whole`: none are.
fn in_lanes(
    b: &mut Builder,
    s: &mut Scalar,
    t: &Target,
    e: &Expr,
    v: u32,
    (lo, hi): (Reg, Reg),
    whole: bool,
    at: &dyn Fn(&mut Builder, Reg) -> Reg,
) {
    let vector = |b: &mut Builder, s: &mut Scalar, i: Reg| {
        s.bind(v, i);
        let at = at(b, i);
        s.scope(Some(v), |s| {
            let x = s.eval(b, e);
            let x = b.widen(x, b.lanes() as u8);
            store_at(b, t.buf, t.comp.dtype, at, 0, x);
        });
    };
    let main = whole_lanes(b, lo, hi);
    b.for_(lo, main, b.lanes() as i64, |b, i| vector(b, s, i));
    if whole {
        return;
    }
    if !in_parts(b, t, e) {
        return one_by_one(b, s, t, e, v, main, hi, at);
    }
    let count = b.bin(Bin::Sub, hi, main);
    let left = b.cmp(Cmp::Lt, main, hi);
    b.if_(left, |b| b.part(count, |b| vector(b, s, main)), |_| {});
}

fn one_by_one(
    b: &mut Builder,
    s: &mut Scalar,
    t: &Target,
    e: &Expr,
    v: u32,
    lo: Reg,
    hi: Reg,
    at: &dyn Fn(&mut Builder, Reg) -> Reg,
) {
    b.for_(lo, hi, 1, |b, i| {
        s.bind(v, i);
        let at = at(b, i);
        s.scope(None, |s| {
            let x = s.eval(b, e);
            store_at(b, t.buf, t.comp.dtype, at, 0, x);
        });
    });
}

/// Ends of the ranges of a variable below `end` in which the expression is another one each: the parts of a concatenation.
fn parts(e: &Expr, v: u32, end: &Dim) -> Vec<(Dim, Expr)> {
    match halves(e, v) {
        Some((n, below, rest)) => [parts(&below, v, &n.min_of(end)), parts(&rest, v, end)].concat(),
        None => vec![(end.clone(), e.clone())],
    }
}

/// A size that the variable is compared with, and the expression where it is below and where it is not.
fn halves(e: &Expr, v: u32) -> Option<(Dim, Expr, Expr)> {
    let cond = compared(e, v)?;
    let E::Cmp(_, _, n) = &*cond else { return None };
    let n = Linear::of(n).as_size()?;
    let given = |holds: bool| {
        rewrite(e, &mut |e| match &**e {
            _ if *e == cond => Some(Expr::bool(holds)),
            E::Select(c, a, b) => constant(c).map(|c| if c { a.clone() } else { b.clone() }),
            E::Bin(Bin::And, a, b) => match (constant(a), constant(b)) {
                (Some(true), _) => Some(b.clone()),
                (_, Some(true)) => Some(a.clone()),
                (Some(false), _) | (_, Some(false)) => Some(Expr::bool(false)),
                _ => None,
            },
            _ => None,
        })
    };
    Some((n, given(true), given(false)))
}

/// A condition `v < size` of a choice, not within a reduction.
fn compared(e: &Expr, v: u32) -> Option<Expr> {
    let below = |c: &Expr| match &**c {
        E::Cmp(Cmp::Lt, x, n) => matches!(**x, E::Var(x) if x == v) && Linear::of(n).as_size().is_some(),
        _ => false,
    };
    match &**e {
        E::Select(c, ..) if below(c) => Some(c.clone()),
        E::Reduce(..) => None,
        _ => {
            let mut found = None;
            e.for_children(&mut |c| found = found.take().or_else(|| compared(c, v)));
            found
        }
    }
}

/// A condition that is decided.
pub(crate) fn constant(e: &Expr) -> Option<bool> {
    match **e {
        E::Int(Ty::Bool, v) => Some(v != 0),
        _ => None,
    }
}

/// A condition on a variable: at least the form's value, or below it.
enum Limit {
    AtLeast(Linear),
    Below(Linear),
}

/// The conditions of an expression that are limits of `v`, and the expression where they all hold; `None` if there is
/// none or `v` decides something else.
fn guards(e: &Expr, v: u32) -> Option<(Vec<Limit>, Expr)> {
    let (mut limits, mut summed) = (vec![], BTreeMap::new());
    reduced(e, &mut summed);
    let inside = rewrite(e, &mut |e| match &**e {
        E::Cmp(op @ (Cmp::Ge | Cmp::Lt), x, bound) if mentions(x, v) && !mentions(bound, v) => {
            let form = Linear::of(x);
            if !form.step(v)?.is_one() {
                return None;
            }
            let mut rest = form.clone();
            rest.vars.remove(&v);
            let rest = extreme(rest, &summed, *op == Cmp::Ge)?;
            let limit = Linear::of(bound).plus(rest, &(-1).into());
            limits.push(if *op == Cmp::Ge { Limit::AtLeast(limit) } else { Limit::Below(limit) });
            Some(Expr::bool(true))
        }
        E::Bin(Bin::And, a, b) if constant(a) == Some(true) => Some(b.clone()),
        E::Bin(Bin::And, a, b) if constant(b) == Some(true) => Some(a.clone()),
        E::Select(c, a, _) if constant(c) == Some(true) => Some(a.clone()),
        _ => None,
    });
    (!limits.is_empty()).then_some((limits, inside))
}

/// Variables of the reductions in an expression, with their extents.
fn reduced(e: &Expr, out: &mut BTreeMap<u32, Dim>) {
    if let E::Reduce(_, vars, _) = &**e {
        out.extend(vars.iter().cloned());
    }
    e.for_children(&mut |c| reduced(c, out));
}

/// The least (or largest) value of a form over all values of the reductions' variables.
fn extreme(mut l: Linear, summed: &BTreeMap<u32, Dim>, least: bool) -> Option<Linear> {
    if l.other.iter().any(|(e, _)| summed.keys().any(|v| mentions(e, *v))) {
        return None;
    }
    for (v, d) in summed {
        let Some(c) = l.vars.remove(v) else { continue };
        let rising = c.at_least(0);
        if !rising && !(-c.clone()).at_least(0) {
            return None;
        }
        if rising != least {
            l.constant = l.constant + c * (d.clone() - 1.into());
        }
    }
    Some(l)
}

/// The part of `lo..hi` within all limits, empty at `hi` if there is none.
fn interior(b: &mut Builder, s: &mut Scalar, limits: &[Limit], lo: Reg, hi: Reg) -> (Reg, Reg) {
    let (mut first, mut last) = (lo, hi);
    for l in limits {
        let (Limit::AtLeast(form) | Limit::Below(form)) = l;
        let (r, offset) = s.address(b, form);
        let offset = b.index(offset as i64);
        let at = b.add(r, offset);
        match l {
            Limit::AtLeast(_) => first = b.bin(Bin::Max, first, at),
            Limit::Below(_) => last = b.bin(Bin::Min, last, at),
        }
    }
    let first = b.bin(Bin::Min, first, hi);
    (first, b.bin(Bin::Max, last, first))
}
