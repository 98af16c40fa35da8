//! The conditions on sizes under which every access stays inside its tensor.

use crate::{Assert, Body};
use dlc_ir::lower::affine::{Linear, mentions};
use dlc_ir::lower::{Bin, Cmp, E, Expr, Slot, Stmt};
use dlc_ir::{Dim, Fact};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// What must hold for a step, and cannot be shown now, about accesses that no condition guards.
pub fn asserts(body: &Body, node: &str) -> Vec<Assert> {
    let mut c = Collector { node, ..Default::default() };
    match body {
        Body::Comp(comp) => {
            c.bind(0, &comp.shape);
            c.visit(&comp.expr);
        }
        Body::Contract { contract: k, epilogue, .. } => {
            let mut first = 0;
            for axes in [&k.batch, &k.m, &k.n, &k.k] {
                c.bind(first, axes);
                first += axes.len() as u32;
            }
            for e in [&k.a, &k.b, epilogue] {
                c.visit(e);
            }
        }
        Body::Proc { body, shapes } => {
            let scratch = body.scratch.iter().map(|s| s.1.clone()).collect();
            c.procedure = Some(Procedure { results: shapes.clone(), scratch });
            c.ranges.extend(body.parallel.clone().map(|(v, n)| (v, (0.into(), n))));
            c.collect(&body.body);
            c.block(&body.body);
        }
    }
    c.out
}

/// What must hold for a sum of products as an operator gives it, and cannot be shown now: both factors have all of the
/// summed axes. Later a factor may be read as a part of a larger tensor.
pub fn sums(k: &dlc_ir::lower::Contract, node: &str) -> Vec<Assert> {
    let mut c = Collector { node, ..Default::default() };
    c.summed(k);
    c.out
}

/// Shapes of what a procedure stores into.
struct Procedure {
    results: Vec<Vec<Dim>>,
    scratch: Vec<Vec<Dim>>,
}

impl Procedure {
    fn shape(&self, slot: Slot) -> &[Dim] {
        match slot {
            Slot::X(_) => &[],
            Slot::Y(i) => self.results.get(i).map_or(&[], |s| s),
            Slot::T(i) => self.scratch.get(i).map_or(&[], |s| s),
        }
    }
}

/// What must hold for a tensor to be seen under another shape, and cannot be shown now: it has as many elements.
pub fn same_length(x: &Fact, y: &Fact, node: &str) -> Vec<Assert> {
    let (have, want) = (x.len(), y.len());
    if have == want {
        return vec![];
    }
    let message = format!("node {node:?}: {x} has not as many elements as {y}");
    let at_most =
        |left: &Dim, right: &Dim| Assert { left: left.clone(), right: right.clone(), message: message.clone() };
    vec![at_most(&have, &want), at_most(&want, &have)]
}

#[derive(Default)]
struct Collector<'a> {
    node: &'a str,
    /// First value of a variable and one past its last, where they are sizes.
    ranges: BTreeMap<u32, (Dim, Dim)>,
    /// Values of registers; `None` for one that is set in several places.
    registers: BTreeMap<u32, Option<Expr>>,
    /// Conditions around the access, and whether they hold there.
    guards: Vec<(Expr, bool)>,
    procedure: Option<Procedure>,
    found: BTreeSet<(Dim, Dim)>,
    /// Parts of expressions that nothing guards and that were looked at.
    seen: HashSet<usize>,
    out: Vec<Assert>,
}

impl Collector<'_> {
    fn bind(&mut self, first: u32, dims: &[Dim]) {
        for (i, d) in dims.iter().enumerate() {
            self.ranges.insert(first + i as u32, (0.into(), d.clone()));
        }
    }

    fn visit(&mut self, e: &Expr) {
        if self.procedure.is_none() && self.guards.is_empty() && !self.seen.insert(e.address()) {
            return;
        }
        match &**e {
            E::Load { index, shape, .. } => {
                for (i, d) in index.iter().zip(shape.iter()) {
                    self.check(i, d);
                    self.visit(i);
                }
            }
            E::Select(c, a, b) => {
                self.visit(c);
                self.guarded(c, &mut |s| s.visit(a), &mut |s| s.visit(b));
            }
            E::Reduce(_, vars, body) => {
                self.ranges.extend(vars.iter().map(|(v, n)| (*v, (0.into(), n.clone()))));
                self.visit(body);
                if self.procedure.is_some() {
                    self.whole(vars, body);
                }
            }
            _ => e.for_children(&mut |c| self.visit(c)),
        }
    }

    fn collect(&mut self, body: &[Stmt]) {
        for s in body {
            match s {
                Stmt::Set { reg, value } => {
                    self.registers.entry(*reg).and_modify(|v| *v = None).or_insert(Some(value.clone()));
                }
                Stmt::For { body, .. } | Stmt::While { body, .. } => self.collect(body),
                Stmt::If { then, els, .. } => {
                    self.collect(then);
                    self.collect(els);
                }
                Stmt::Store { .. } => {}
            }
        }
    }

    fn block(&mut self, body: &[Stmt]) {
        body.iter().for_each(|s| self.stmt(s));
    }

    fn stmt(&mut self, s: &Stmt) {
        match s {
            Stmt::For { var, lo, hi, body } => {
                self.visit(lo);
                self.visit(hi);
                match Linear::of(lo).as_size().zip(Linear::of(hi).as_size()) {
                    Some(range) => self.ranges.insert(*var, range),
                    None => self.ranges.remove(var),
                };
                self.block(body);
            }
            Stmt::While { cond, body } => {
                self.visit(cond);
                self.guarded(cond, &mut |s| s.block(body), &mut |_| ());
            }
            Stmt::If { cond, then, els } => {
                self.visit(cond);
                self.guarded(cond, &mut |s| s.block(then), &mut |s| s.block(els));
            }
            Stmt::Set { value, .. } => self.visit(value),
            Stmt::Store { slot, index, value, .. } => {
                self.visit(value);
                let shape = self.procedure.as_ref().map_or(vec![], |p| p.shape(*slot).to_vec());
                for (i, d) in index.iter().zip(&shape) {
                    self.check(i, d);
                    self.visit(i);
                }
            }
        }
    }

    /// Visits what is done where a condition holds and where it does not. `variable < size` narrows the variable's range
    /// on both sides; of any other condition it is only known which variables it is about.
    fn guarded(&mut self, cond: &Expr, then: &mut dyn FnMut(&mut Self), els: &mut dyn FnMut(&mut Self)) {
        let split = match &**cond {
            E::Cmp(Cmp::Lt, v, n) => match (&**v, Linear::of(n).as_size()) {
                (E::Var(v), Some(n)) if self.ranges.get(v).is_some_and(|r| r.0.is_zero()) => Some((*v, n)),
                _ => None,
            },
            _ => None,
        };
        let Some((v, n)) = split else {
            self.guards.push((cond.clone(), true));
            then(self);
            self.guards.pop();
            self.guards.push((cond.clone(), false));
            els(self);
            self.guards.pop();
            return;
        };
        let (first, end) = self.ranges[&v].clone();
        self.ranges.insert(v, (first.clone(), end.min_of(&n)));
        then(self);
        self.ranges.insert(v, (n, end.clone()));
        els(self);
        self.ranges.insert(v, (first, end));
    }

    /// Whether a condition around decides about an index: it is about one of its variables, or about the extent.
    fn decided(&self, l: &Linear, extent: &Dim) -> bool {
        let about = |e: &E| match e {
            E::Var(v) => l.vars.contains_key(v),
            E::Size(d) => share(d, extent),
            _ => false,
        };
        self.guards.iter().any(|g| outside_of_loads(&g.0, &about))
    }

    /// A size that the index is known to be below, because a condition around says so.
    fn limit(&self, l: &Linear) -> Option<Dim> {
        self.guards.iter().filter(|g| g.1).find_map(|g| limit(&g.0, l))
    }

    /// The largest value of an index is below the extent, and the smallest is not below 0.
    fn check(&mut self, index: &Expr, extent: &Dim) {
        let l = Linear::of(index);
        if let Some(n) = self.limit(&l) {
            return self.at_most(n, extent.clone(), extent);
        }
        if self.decided(&l, extent) {
            return;
        }
        let Some((bottom, top)) = self.span(&l) else { return };
        let last = extent.clone() - 1.into();
        match self.may_be_empty(&l) {
            Some(n) => {
                self.at_most_unless_empty(0.into(), bottom, &n, extent);
                self.at_most_unless_empty(top, last, &n, extent);
            }
            None => {
                self.at_most(0.into(), bottom, extent);
                self.at_most(top, last, extent);
            }
        }
    }

    /// The length of a range whose variable has a computed step, as broadcasting has, where it may be 0: then there is
    /// no access, and the ends that [`Self::span`] gives mean nothing.
    fn may_be_empty(&self, l: &Linear) -> Option<Dim> {
        let computed = l.vars.iter().filter(|(_, step)| step.as_const().is_none());
        let mut lengths =
            computed.filter_map(|(v, _)| self.ranges.get(v)).map(|(first, end)| end.clone() - first.clone());
        lengths.find(|n| !n.at_least(1))
    }

    fn at_most_unless_empty(&mut self, left: Dim, right: Dim, length: &Dim, extent: &Dim) {
        let above = left.clone() - right.clone();
        if (right.clone() - left.clone()).at_least(0) || !self.found.insert((left.clone(), right.clone())) {
            return;
        }
        let message = self.message(&left, &right, extent);
        self.out.push(Assert { left: above * length.min_of(&1.into()), right: 0.into(), message });
    }

    fn at_most(&mut self, left: Dim, right: Dim, extent: &Dim) {
        if !(right.clone() - left.clone()).at_least(0) {
            self.add(left, right, extent);
        }
    }

    /// Smallest and largest value, both of which are reached when no range is empty: parts that are not linear are of
    /// variables of their own.
    fn span(&self, l: &Linear) -> Option<(Dim, Dim)> {
        let mut parts = vec![];
        for (v, c) in &l.vars {
            let (first, end) = self.ranges.get(v)?.clone();
            parts.push((c, (first, end - 1.into())));
        }
        for (i, (e, c)) in l.other.iter().enumerate() {
            let mut vars = BTreeSet::new();
            variables(e, &mut vars);
            let others = l.other.iter().enumerate().filter(|(k, _)| *k != i);
            let alone = |v: &u32| !l.vars.contains_key(v) && !others.clone().any(|(_, o)| mentions(&o.0, *v));
            parts.push((c, self.part(e).filter(|_| vars.iter().all(alone))?));
        }
        let (mut bottom, mut top) = (l.constant.clone(), l.constant.clone());
        for (c, (first, last)) in parts {
            match c.at_least(0) || c.as_const().is_none() {
                true => (top, bottom) = (top + c.clone() * last, bottom + c.clone() * first),
                false => (top, bottom) = (top + c.clone() * first, bottom + c.clone() * last),
            }
        }
        Some((bottom, top))
    }

    /// The same for a quotient or remainder by a size, what is kept within sizes, or a register that is set once.
    fn part(&self, e: &Expr) -> Option<(Dim, Dim)> {
        match &**e {
            E::Bin(op @ (Bin::Div | Bin::Rem), a, by) => {
                let by = Linear::of(by).as_size()?;
                let (first, last) = self.span(&Linear::of(a))?;
                match op {
                    _ if !first.at_least(0) => None,
                    Bin::Div => Some((first.div(&by), last.div(&by))),
                    _ => Some((0.into(), last.min_of(&(by - 1.into())))),
                }
            }
            E::Bin(op @ (Bin::Min | Bin::Max), a, b) => self.kept(*op, a, b).or_else(|| self.kept(*op, b, a)),
            E::Reg(r, _) => self.span(&Linear::of(self.registers.get(r)?.as_ref()?)),
            _ => None,
        }
    }

    /// `min(max(a, size), size)` in either order.
    fn kept(&self, op: Bin, a: &Expr, size: &Expr) -> Option<(Dim, Dim)> {
        let bound = |e: &Expr, wanted: Bin| match &**e {
            E::Bin(o, x, y) if *o == wanted => Linear::of(y).as_size().or_else(|| Linear::of(x).as_size()),
            _ => None,
        };
        let size = Linear::of(size).as_size()?;
        match op {
            Bin::Min => Some((bound(a, Bin::Max)?, size)),
            _ => Some((size, bound(a, Bin::Min)?)),
        }
    }

    /// What a reduction of a procedure runs over is all of an axis, wherever it runs along one.
    fn whole(&mut self, vars: &[(u32, Dim)], e: &Expr) {
        if let E::Load { index, shape, .. } = &**e {
            for (i, d) in index.iter().zip(shape.iter()) {
                let n = vars.iter().find(|v| matches!(**i, E::Var(i) if i == v.0)).map(|v| v.1.clone());
                let unsure = |n: &Dim| d != n && !(d.as_const().is_some() && n.as_const().is_some());
                if let Some(n) = n.filter(|n| unsure(n) && !(n.clone() - d.clone()).at_least(0)) {
                    self.add(d.clone(), n, d);
                }
            }
        }
        e.for_children(&mut |c| self.whole(vars, c));
    }

    /// Both factors have all of the summed axes. Constant sizes were compared by inference; where they differ here, the
    /// factor is a part of a larger tensor.
    fn summed(&mut self, k: &dlc_ir::lower::Contract) {
        let first = (k.batch.len() + k.m.len() + k.n.len()) as u32;
        let mut found = vec![];
        for e in [&k.a, &k.b] {
            if let E::Load { index, shape, .. } = &**e {
                for (i, d) in index.iter().zip(shape.iter()) {
                    if let E::Var(v) = &**i
                        && *v >= first
                    {
                        found.push((d.clone(), k.k[(*v - first) as usize].clone()));
                    }
                }
            }
        }
        for (d, n) in found {
            let constant = d.as_const().is_some() && n.as_const().is_some();
            if d != n && !constant && !(n.clone() - d.clone()).at_least(0) {
                self.add(d.clone(), n, &d);
            }
        }
    }

    fn add(&mut self, left: Dim, right: Dim, extent: &Dim) {
        if self.found.insert((left.clone(), right.clone())) {
            let message = self.message(&left, &right, extent);
            self.out.push(Assert { left, right, message });
        }
    }

    fn message(&self, left: &Dim, right: &Dim, extent: &Dim) -> String {
        format!("node {:?}: an axis of size {extent} does not fit: expected {left} <= {right}", self.node)
    }
}

/// The size of `l < size` where the condition, or one of several that all hold, is that, or that of `l` less a size: what
/// is read may be a part of a tensor.
fn limit(cond: &Expr, l: &Linear) -> Option<Dim> {
    match &**cond {
        E::Cmp(Cmp::Lt, a, n) => {
            let a = Linear::of(a);
            let from = l.constant.clone() - a.constant.clone();
            let same = from.at_least(0) && Linear { constant: l.constant.clone(), ..a } == *l;
            Linear::of(n).as_size().filter(|_| same).map(|n| n + from)
        }
        E::Bin(Bin::And, a, b) => limit(a, l).or_else(|| limit(b, l)),
        _ => None,
    }
}

/// All variables of an expression.
fn variables(e: &Expr, out: &mut BTreeSet<u32>) {
    if let E::Var(v) = &**e {
        out.insert(*v);
    }
    e.for_children(&mut |c| variables(c, out));
}

/// Whether two sizes have a symbol in common.
fn share(a: &Dim, b: &Dim) -> bool {
    let mut names = BTreeSet::new();
    a.symbols(&mut |s| {
        names.insert(s.clone());
    });
    let mut found = false;
    b.symbols(&mut |s| found |= names.contains(s));
    found
}

/// Whether a part of an expression is so, those in the indices of loads left out: data decides nothing about an index.
fn outside_of_loads(e: &Expr, so: &dyn Fn(&E) -> bool) -> bool {
    let mut found = so(e);
    if !matches!(**e, E::Load { .. }) {
        e.for_children(&mut |c| found |= outside_of_loads(c, so));
    }
    found
}

#[cfg(test)]
mod tests;
