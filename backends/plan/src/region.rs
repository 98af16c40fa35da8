//! What is computed together: comprehensions inlined into their only consumer, epilogues into contractions.

use crate::Body;
use dlc_ir::dim::product;
use dlc_ir::lower::affine::{Linear, mentions};
use dlc_ir::lower::rewrite::{collapse, cost, each, guards, rewrite, substitute, tree_size};
use dlc_ir::lower::{Bin, Comp, Contract, E, Expr, SUM, Slot, Ty};
use dlc_ir::{DType, Dim, Fact, Value};

/// A result that is not computed yet, so that its consumer may take it in.
#[derive(Clone, Debug)]
pub struct Region {
    /// How it is computed; only `Comp` and `Contract`.
    pub body: Body,
    /// What `Slot::X(i)` is.
    pub operands: Vec<Value>,
    /// The result.
    pub fact: Fact,
    /// Names of the nodes in it.
    pub nodes: Vec<String>,
}

impl Region {
    /// Position of an operand, added if it is new.
    fn operand(&mut self, v: Value) -> usize {
        self.operands.iter().position(|o| *o == v).unwrap_or_else(|| {
            self.operands.push(v);
            self.operands.len() - 1
        })
    }

    fn exprs(&self) -> Vec<&Expr> {
        match &self.body {
            Body::Comp(c) => vec![&c.expr],
            Body::Contract { contract, epilogue, .. } => vec![&contract.a, &contract.b, epilogue],
            Body::Proc { .. } => vec![],
        }
    }

    /// Number of scalar operations of the region's own expression.
    fn weight(&self) -> Dim {
        self.exprs().into_iter().map(cost).fold(0.into(), |a, b| a + b)
    }
}

/// Largest expression, written out, that is taken in by another.
const LARGEST: usize = 512;
/// Most parts, shared ones counted once, of one with picks, of which every element takes one.
const LARGEST_PICKED: usize = 1 << 15;

/// The expression as an element of `dtype` would hold it, ready to be computed with.
pub fn stored(e: &Expr, dtype: DType) -> Expr {
    let e = e.cast(Ty::of(dtype));
    match dtype {
        _ if is_stored(&e, dtype) => e,
        DType::F32 | DType::F64 | DType::I32 | DType::I64 | DType::U64 | DType::Bool => e,
        _ => e.round_to(dtype),
    }
}

/// Whether an expression only has values of `dtype`: those it was cut to.
fn is_stored(e: &Expr, dtype: DType) -> bool {
    match &**e {
        E::Round(d, _) if *d == dtype => return true,
        E::Load { dtype: d, .. } if *d == dtype && dtype.is_float() => return true,
        _ => {}
    }
    let Some((lo, hi)) = dtype.int_range() else { return false };
    let within = |c: &Expr| matches!(**c, E::Float(_, v) if (lo as f64..=hi as f64).contains(&v));
    match &**e {
        E::Cast(Ty::I32, x) => match &**x {
            // NaN is 0.
            E::Bin(Bin::Min, y, top) => {
                within(top) && matches!(&**y, E::Bin(Bin::Max, _, low) if within(low)) && lo <= 0
            }
            _ => false,
        },
        _ => false,
    }
}

/// The loads of a slot, by distinct index.
fn loads(e: &Expr, slot: Slot) -> Vec<Expr> {
    fn go(e: &Expr, slot: Slot, out: &mut Vec<Expr>, seen: &mut std::collections::HashSet<usize>) {
        if !seen.insert(e.address()) {
            return;
        }
        match &**e {
            E::Load { slot: s, .. } if *s == slot && !out.contains(e) => out.push(e.clone()),
            _ => {}
        }
        e.for_children(&mut |c| go(c, slot, out, seen));
    }
    let mut out = vec![];
    go(e, slot, &mut out, &mut Default::default());
    out
}

/// How often the expression of one element visits the loads of a slot: product of the reductions around them.
fn visits(e: &Expr, slot: Slot) -> Option<Dim> {
    match &**e {
        E::Load { slot: s, .. } if *s == slot => Some(1.into()),
        E::Reduce(_, vars, body) => visits(body, slot).map(|n| n * product(vars.iter().map(|v| &v.1))),
        _ => {
            let mut found = None;
            e.for_children(&mut |c| found = found.take().or_else(|| visits(c, slot)));
            found
        }
    }
}

/// An element moved, not computed: a load with linear index, perhaps converted.
fn is_move(e: &Expr) -> bool {
    match &**e {
        E::Load { index, .. } => index.iter().all(|i| Linear::of(i).other.is_empty()),
        E::Float(..) | E::Int(..) => true,
        E::Cast(_, a) | E::Round(_, a) => is_move(a),
        _ => false,
    }
}

fn has_guard(e: &Expr) -> bool {
    has(e, &|e| matches!(e, E::Select(c, a, b) if guards(c, a) || guards(c, b)))
}

/// Whether a part of an expression is so.
pub(crate) fn has(e: &Expr, test: &dyn Fn(&E) -> bool) -> bool {
    let mut found = false;
    each(e, &mut |e| found = found || test(e));
    found
}

/// Whether loads step by at most one element along the last axis: what lanes can do.
fn is_smooth(e: &Expr, last: u32) -> bool {
    match &**e {
        // A table of bytes is read in lanes, too.
        E::Load { index, shape, dtype: DType::I8 | DType::U8, .. } if is_table(index, shape) => {
            index.iter().all(|i| is_smooth(i, last))
        }
        E::Load { index, shape, .. } => {
            let l = Linear::address(index, shape);
            l.step(last).and_then(|s| s.as_const()).is_some_and(|s| s == 0 || s == 1)
        }
        _ => {
            let mut ok = true;
            e.for_children(&mut |c| ok = ok && is_smooth(c, last));
            ok
        }
    }
}

/// Taps along an axis above which a copy with zeros around it pays: most windows would be cut in a way of their own.
const WIDEST_PADDED: i64 = 11;

/// Whether a convolution of single channels reads a copy with zeros around it: its sums can leave these out, but those of
/// bytes, which are read four at a time.
fn pads_channels(c: &Contract, copy: &Comp) -> bool {
    let known = |d: &[Dim]| d.iter().all(|d| d.as_const().is_some());
    let zero = |e: &Expr| matches!(**e, E::Float(_, 0.0) | E::Int(_, 0));
    let few = c.k.iter().all(|d| d.as_const().is_some_and(|n| n <= WIDEST_PADDED));
    let padding = matches!(&*copy.expr, E::Select(_, a, b) if is_move(a) && zero(b));
    c.acc != Ty::I32 && padding && few && crate::layout::is_depthwise(c) && known(&copy.shape[1..]) && known(&c.n)
}

fn is_table(index: &[Expr], shape: &[Dim]) -> bool {
    let cast = |i: &Expr| matches!(&**i, E::Cast(Ty::I64, x) if x.ty() == Ty::I32);
    shape.len() == 1 && shape[0].as_const() == Some(256) && index.iter().all(cast)
}

/// Whether taking `inner` into `outer` (which reads it as operand `slot`) computes nothing twice and keeps lanes.
pub fn pays(outer: &Region, slot: usize, inner: &Region) -> bool {
    let Body::Comp(i) = &inner.body else { return false };
    let slot = Slot::X(slot);
    if has(&i.expr, &|e| matches!(e, E::Pick(..))) {
        return matches!(&outer.body, Body::Comp(o) if takes_picks(o, slot, i));
    }
    let grown = outer.exprs().into_iter().map(tree_size).sum::<usize>().saturating_mul(tree_size(&i.expr));
    if grown > LARGEST * 8 || tree_size(&i.expr) > LARGEST {
        return false;
    }
    match &outer.body {
        Body::Comp(o) => {
            let sites = loads(&o.expr, slot);
            let Some(n) = visits(&o.expr, slot) else { return false };
            let rank = |c: &Comp| c.shape.len().saturating_sub(1) as u32;
            let rough = !is_smooth(&i.expr, rank(i));
            let narrow = matches!(&*i.expr, E::Load { dtype, .. } if *dtype == i.dtype);
            if (widens(o) && !narrow)
                || has_guard(&i.expr)
                || (rough && outer.weight().as_const().is_none_or(|w| w > 6))
            {
                return false;
            }
            is_move(&i.expr) || (sites.len() == 1 && n * product(&o.shape) == product(&i.shape))
        }
        Body::Contract { contract, .. } => {
            let plain = matches!(&*i.expr, E::Load { .. }) && is_move(&i.expr);
            (plain || pads_channels(contract, i)) && i.dtype == contract.dtype
        }
        Body::Proc { .. } => false,
    }
}

/// Whether bf16 numbers are only made wider: that is for their readers to do, so that what rounds to them is stored.
fn widens(c: &Comp) -> bool {
    c.dtype == DType::F32 && matches!(&*c.expr, E::Load { dtype: DType::BF16, .. })
}

/// Whether an expression reads one that picks by its indices element by element, so that the picks stay ones by indices.
fn takes_picks(outer: &Comp, slot: Slot, inner: &Comp) -> bool {
    let sites = loads(&outer.expr, slot);
    let [E::Load { index, .. }] = &sites.iter().map(|s| &**s).collect::<Vec<_>>()[..] else { return false };
    let plain = index.iter().enumerate().all(|(a, i)| is_index(i, a, &outer.shape));
    let once = !has(&outer.expr, &|e| matches!(e, E::Reduce(..) | E::Pick(..))) && !has_guard(&outer.expr);
    let mut grown = 0;
    [outer, inner].iter().for_each(|c| each(&c.expr, &mut |_| grown += 1));
    plain && once && outer.shape == inner.shape && grown <= LARGEST_PICKED
}

/// Takes `inner` into `outer` in the place of operand `slot`.
pub fn inline(outer: &mut Region, slot: usize, inner: &Region) {
    let Body::Comp(c) = &inner.body else { return };
    let base = fresh_vars(outer);
    let places: Vec<usize> = inner.operands.iter().map(|v| outer.operand(*v)).collect();
    let moved = stored(&rename(&c.expr, base, c.shape.len() as u32, &places), c.dtype);
    let put = |e: &Expr| {
        rewrite(e, &mut |e| match &**e {
            E::Load { slot: s, index, .. } if *s == Slot::X(slot) => {
                Some(substitute(&moved, &|v| index.get(v as usize).cloned()))
            }
            _ => None,
        })
    };
    match &mut outer.body {
        Body::Comp(o) => o.expr = put(&o.expr),
        Body::Contract { contract, epilogue, .. } => {
            contract.a = put(&contract.a);
            contract.b = put(&contract.b);
            *epilogue = put(epilogue);
        }
        Body::Proc { .. } => {}
    }
    outer.nodes.splice(0..0, inner.nodes.iter().cloned());
}

/// Reduction variables from `base` on, operands at `places`.
fn rename(e: &Expr, base: u32, rank: u32, places: &[usize]) -> Expr {
    let e = rewrite(e, &mut |e| match &**e {
        E::Load { slot: Slot::X(i), dtype, shape, index } => {
            Some(Expr::load_slot(Slot::X(places[*i]), *dtype, shape, index.clone()))
        }
        E::Var(v) if *v >= rank => Some(Expr::var(base + v)),
        _ => None,
    });
    rewrite(&e, &mut |e| match &**e {
        E::Reduce(m, vars, body) => {
            let vars = vars.iter().map(|(v, d)| (if *v >= rank { base + v } else { *v }, d.clone())).collect();
            Some(Expr::reduce(*m, vars, body.clone()))
        }
        _ => None,
    })
}

/// A number above every variable of a region.
fn fresh_vars(r: &Region) -> u32 {
    fn go(e: &Expr, top: &mut u32) {
        match &**e {
            E::Var(v) => *top = (*top).max(*v + 1),
            E::Reduce(_, vars, _) => vars.iter().for_each(|(v, _)| *top = (*top).max(v + 1)),
            _ => {}
        }
        e.for_children(&mut |c| go(c, top));
    }
    let mut top = 16;
    r.exprs().into_iter().for_each(|e| go(e, &mut top));
    top
}

/// Whether this is the index along axis `a` of a result of this shape.
fn is_index(i: &Expr, a: usize, shape: &[Dim]) -> bool {
    match &**i {
        E::Var(v) => *v as usize == a,
        E::Int(_, 0) => shape[a].is_one(),
        _ => false,
    }
}

/// Gives a contraction the element-wise consumer `outer` as epilogue, if that reads it as operand `slot` just once per
/// element and its other operands can be read along the columns.
pub fn absorb(outer: &Region, slot: usize, inner: &Region) -> Option<Region> {
    let (Body::Comp(o), Body::Contract { contract, epilogue, dtype }) = (&outer.body, &inner.body) else { return None };
    if tree_size(epilogue).saturating_mul(tree_size(&o.expr)) > LARGEST * 8 {
        return None;
    }
    if o.shape != inner.fact.shape || has(&o.expr, &|e| matches!(e, E::Reduce(..))) || has_guard(&o.expr) {
        return None;
    }
    let sites = loads(&o.expr, Slot::X(slot));
    let [E::Load { index, .. }] = &sites.iter().map(|s| &**s).collect::<Vec<_>>()[..] else { return None };
    if !index.iter().enumerate().all(|(a, i)| is_index(i, a, &o.shape)) {
        return None;
    }
    let at = align(contract, &o.shape)?;
    let mut out = inner.clone();
    let places: Vec<usize> = outer.operands.iter().map(|v| out.operand(*v)).collect();
    let sum = stored(epilogue, *dtype);
    let site = sites[0].clone();
    let e = rewrite(&o.expr, &mut |e| match &**e {
        _ if *e == site => Some(Expr::reg(SUM - 2, e.ty())),
        E::Load { slot: Slot::X(i), dtype, shape, index } => {
            Some(Expr::load_slot(Slot::X(places[*i]), *dtype, shape, index.clone()))
        }
        _ => None,
    });
    let e = substitute(&e, &|v| at.get(v as usize).cloned());
    let e = rewrite(&e, &mut |e| matches!(**e, E::Reg(r, _) if r == SUM - 2).then(|| sum.clone()));
    let e = stored(&e, o.dtype);
    if !columns_merge(contract, &e) {
        return None;
    }
    out.body = Body::Contract { contract: contract.clone(), epilogue: e, dtype: o.dtype };
    out.fact = outer.fact.clone();
    out.nodes.extend(outer.nodes.iter().cloned());
    Some(out)
}

/// The index of a result of this shape in the contraction's variables batch, m, n.
fn align(c: &Contract, shape: &[Dim]) -> Option<Vec<Expr>> {
    let axes: Vec<&Dim> = c.batch.iter().chain(&c.m).chain(&c.n).collect();
    let (mut next, mut out) = (0, vec![]);
    for d in shape {
        let (mut have, mut e): (Dim, Option<Expr>) = (1.into(), None);
        while have != *d {
            let axis = axes.get(next)?;
            if !axis.is_one() {
                let v = Expr::var(next as u32);
                e = Some(e.map_or(v.clone(), |e| e.mul(&Expr::size(axis)).add(&v)));
                have = have * (*axis).clone();
            }
            next += 1;
        }
        out.push(e.unwrap_or_else(|| Expr::int(0)));
    }
    axes[next.min(axes.len())..].iter().all(|d| d.is_one()).then_some(out)
}

fn columns_merge(c: &Contract, e: &Expr) -> bool {
    let first = (c.batch.len() + c.m.len()) as u32;
    let n = c.n.iter().enumerate().map(|(i, d)| (first + i as u32, d.clone())).collect();
    let (vars, e) = collapse(n, e);
    let smooth = |v: u32| !has(&e, &|x| matches!(x, E::Load { .. })) || is_smooth(&e, v) || !mentions(&e, v);
    vars.len() <= 1 && vars.first().is_none_or(|(v, _)| smooth(*v))
}
