//! Loops of procedures whose steps do not depend on each other, in lanes.
//!
//! Every step computes values from what memory holds before the loop, and stores each at a place of its own that moves on
//! by one element. Sums of products within the values are added up together, several vectors at a time, in the order of
//! [`crate::contraction`]: blocks of [`BLOCK`] products with one rounding each, one block after another.

use crate::builder::Builder;
use crate::contraction::BLOCK;
use crate::ir::{Elem, Reg, Type};
use crate::scalar::{Scalar, has_parts, is_wide, store_at, whole_groups};
use dlc_ir::lower::affine::{Linear, mentions};
use dlc_ir::lower::rewrite::{collapse_reduce, rewrite, tree_size};
use dlc_ir::lower::{Bin, Cmp, E, Expr, Monoid, Slot, Stmt, Ty};
use dlc_ir::{DType, Dim};
use std::collections::{BTreeMap, BTreeSet};

/// Sums that are added up at a time: what hides how long one addition takes.
const CHAINS: usize = 8;
/// Summed elements that are written out in one turn of a loop.
const UNROLLED: i64 = 4;
/// Largest value, written out as a tree.
const LARGEST: usize = 4096;

/// Such a loop.
pub struct Sweep {
    var: u32,
    lo: Expr,
    hi: Expr,
    puts: Vec<Put>,
    /// The variable of the sums, and its extent.
    over: Option<(u32, Dim)>,
    sums: Vec<Sum>,
}

/// What a step stores.
struct Put {
    slot: Slot,
    dtype: DType,
    at: Linear,
    value: Expr,
}

/// A sum of products within a value.
struct Sum {
    whole: Expr,
    /// The factor that all lanes share.
    x: Expr,
    y: Expr,
}

impl Sweep {
    /// The loop as a sweep. `locals` are the registers of the procedure that carry nothing from block to block.
    pub fn of(st: &Stmt, locals: &BTreeSet<u32>, shapes: &dyn Fn(Slot) -> Vec<Dim>) -> Option<Sweep> {
        let Stmt::For { var, lo, hi, body } = st else { return None };
        let (mut regs, mut puts) = (BTreeMap::<u32, Expr>::new(), Vec::<Put>::new());
        for st in body {
            let resolved = |e: &Expr| {
                rewrite(e, &mut |e| match &**e {
                    E::Reg(r, _) => regs.get(r).cloned(),
                    _ => None,
                })
            };
            // Values are computed before any is stored.
            let stale = |e: &Expr| puts.iter().any(|p| !loads(e, &|slot, _, _| slot != p.slot));
            match st {
                Stmt::Set { reg, value } if locals.contains(reg) && !stale(value) => {
                    let value = resolved(value);
                    regs.insert(*reg, value);
                }
                Stmt::Store { slot, dtype, index, value } if !index.iter().chain([value]).any(stale) => {
                    if puts.iter().any(|p| p.slot == *slot) {
                        return None;
                    }
                    let index: Vec<Expr> = index.iter().map(resolved).collect();
                    let at = Linear::address(&index, &shapes(*slot));
                    puts.push(Put { slot: *slot, dtype: *dtype, at, value: resolved(value) });
                }
                _ => return None,
            }
        }
        if puts.is_empty() || !puts.iter().all(|p| fits(p, *var) && is_apart(p, &puts)) {
            return None;
        }
        let (over, sums) = sums(*var, &puts);
        Some(Sweep { var: *var, lo: lo.clone(), hi: hi.clone(), puts, over, sums })
    }

    /// Writes the loop.
    pub fn emit(&self, b: &mut Builder, s: &mut Scalar) {
        s.sequential(|s| s.unchanging(|s| self.all(b, s)));
    }

    /// As many vectors at a time as sums want, single ones, and what is left.
    fn all(&self, b: &mut Builder, s: &mut Scalar) {
        let (mut lo, hi) = (s.eval(b, &self.lo), s.eval(b, &self.hi));
        let count = match (&*self.lo, &*self.hi) {
            (E::Int(_, lo), E::Int(_, hi)) => Some((hi - lo).max(0)),
            _ => None,
        };
        let hi = if count.is_some() { hi } else { b.bin(Bin::Max, hi, lo) };
        let lanes = b.lanes() as i64;
        for vectors in self.vectors() {
            let group = vectors as i64 * lanes;
            if count.is_some_and(|n| n < group) {
                continue;
            }
            let end = whole_groups(b, lo, hi, group);
            b.for_(lo, end, group, |b, i| self.group(b, s, i, vectors, true));
            if count.is_some_and(|n| n % group == 0) {
                return;
            }
            lo = end;
        }
        self.rest(b, s, lo, hi);
    }

    /// Numbers of vectors computed at a time, the larger first.
    fn vectors(&self) -> Vec<usize> {
        let most = 1 << (CHAINS / self.sums.len().max(1)).max(1).ilog2();
        if self.sums.is_empty() || most == 1 { vec![1] } else { vec![most, 1] }
    }

    /// Fewer elements than a vector has.
    fn rest(&self, b: &mut Builder, s: &mut Scalar, lo: Reg, hi: Reg) {
        if !self.puts.iter().all(|p| has_parts(b.level(), &p.value, p.dtype)) {
            return b.for_(lo, hi, 1, |b, i| self.group(b, s, i, 1, false));
        }
        let count = b.bin(Bin::Sub, hi, lo);
        let left = b.cmp(Cmp::Lt, lo, hi);
        b.if_(left, |b| b.part(count, |b| self.group(b, s, lo, 1, true)), |_| {});
    }

    /// So many vectors from element `i` on, or that element alone.
    fn group(&self, b: &mut Builder, s: &mut Scalar, i: Reg, vectors: usize, wide: bool) {
        let lane = wide.then_some(self.var);
        let lanes = if wide { b.lanes() } else { 1 };
        let at: Vec<Reg> = (0..vectors).map(|j| plus(b, i, (j * lanes) as i64)).collect();
        let sums = s.scope(None, |s| self.sums(b, s, &at, lane));
        for (i, sums) in at.iter().zip(&sums) {
            s.bind(self.var, *i);
            s.scope(lane, |s| {
                self.sums.iter().zip(sums).for_each(|(sum, r)| s.know(&sum.whole, *r));
                let values: Vec<Reg> = self.puts.iter().map(|p| s.eval(b, &p.value)).collect();
                for (p, v) in self.puts.iter().zip(values) {
                    let v = b.widen(v, lanes as u8);
                    let (index, offset) = s.address(b, &p.at);
                    store_at(b, s.place(p.slot), p.dtype, index, offset, v);
                }
            });
        }
    }

    /// The sums at every place.
    fn sums(&self, b: &mut Builder, s: &mut Scalar, at: &[Reg], lane: Option<u32>) -> Vec<Vec<Reg>> {
        let Some((_, n)) = &self.over else { return vec![vec![]; at.len()] };
        let lanes = if lane.is_some() { b.lanes() as u8 } else { 1 };
        let nothing = b.float(Type { elem: Elem::F32, lanes }, 0.0);
        let fresh = |b: &mut Builder| -> Vec<Vec<Reg>> {
            at.iter().map(|_| self.sums.iter().map(|_| b.var(nothing)).collect()).collect()
        };
        let (parts, zero, end) = (fresh(b), b.index(0), b.size(n));
        if n.as_const().is_some_and(|n| n <= BLOCK) {
            self.add_up(b, s, at, lane, (zero, end), &parts);
            return parts;
        }
        let totals = fresh(b);
        b.for_(zero, end, BLOCK, |b, from| {
            parts.iter().flatten().for_each(|p| b.set(*p, nothing));
            let to = plus(b, from, BLOCK);
            let to = b.bin(Bin::Min, to, end);
            self.add_up(b, s, at, lane, (from, to), &parts);
            for (total, part) in totals.iter().flatten().zip(parts.iter().flatten()) {
                let sum = b.add(*total, *part);
                b.set(*total, sum);
            }
        });
        totals
    }

    /// Adds the products of a range to the sums.
    fn add_up(
        &self,
        b: &mut Builder,
        s: &mut Scalar,
        at: &[Reg],
        lane: Option<u32>,
        (lo, hi): (Reg, Reg),
        sums: &[Vec<Reg>],
    ) {
        let Some((_, n)) = &self.over else { return };
        let turn = if n.as_const().is_some_and(|n| n % UNROLLED == 0) { UNROLLED } else { 1 };
        b.for_(lo, hi, turn, |b, k| {
            for step in 0..turn {
                let k = plus(b, k, step);
                s.scope(None, |s| self.products(b, s, at, lane, k, sums));
            }
        });
    }

    /// Adds the product at one place of the summed axis to each sum.
    fn products(&self, b: &mut Builder, s: &mut Scalar, at: &[Reg], lane: Option<u32>, k: Reg, sums: &[Vec<Reg>]) {
        let Some((v, _)) = &self.over else { return };
        s.bind(*v, k);
        let lanes = if lane.is_some() { b.lanes() as u8 } else { 1 };
        let mut shared: Vec<Reg> = vec![];
        for (i, sum) in self.sums.iter().enumerate() {
            let before = self.sums[..i].iter().position(|o| o.x == sum.x).map(|o| shared[o]);
            shared.push(before.unwrap_or_else(|| {
                let x = s.eval(b, &sum.x);
                b.widen(x, lanes)
            }));
        }
        for (i, sums) in at.iter().zip(sums) {
            s.bind(self.var, *i);
            s.scope(lane, |s| {
                for ((sum, x), total) in self.sums.iter().zip(&shared).zip(sums) {
                    let y = s.eval(b, &sum.y);
                    let next = b.fma(*x, y, *total);
                    b.set(*total, next);
                }
            });
        }
    }
}

fn plus(b: &mut Builder, r: Reg, by: i64) -> Reg {
    if by == 0 {
        return r;
    }
    let by = b.index(by);
    b.add(r, by)
}

/// Whether a value and the elements it is stored in can be in lanes along a variable.
fn fits(p: &Put, var: u32) -> bool {
    let moves = p.at.step(var).is_some_and(|s| s.is_one());
    let lanes = matches!(p.value.ty(), Ty::F32 | Ty::I32 | Ty::Bool) && p.value.ty() == Ty::of(p.dtype);
    moves && lanes && tree_size(&p.value) <= LARGEST && is_wide(&p.value, var)
}

/// Whether a value reads of what is stored only the element that it takes the place of.
fn is_apart(p: &Put, puts: &[Put]) -> bool {
    let own = |slot: Slot, dtype: DType, at: &dyn Fn() -> Linear| {
        puts.iter().filter(|q| q.slot == slot).all(|q| q.dtype == dtype && q.at == at())
    };
    loads(&p.value, &own) && p.at.other.iter().all(|(e, _)| loads(e, &|slot, _, _| puts.iter().all(|q| q.slot != slot)))
}

/// Whether something holds for all loads: slot, type, address.
fn loads(e: &Expr, ok: &dyn Fn(Slot, DType, &dyn Fn() -> Linear) -> bool) -> bool {
    if let E::Load { slot, dtype, shape, index } = &**e
        && !ok(*slot, *dtype, &|| Linear::address(index, shape))
    {
        return false;
    }
    let mut all = true;
    e.for_children(&mut |c| all = all && loads(c, ok));
    all
}

/// The sums of products over one axis that the values need whatever conditions say, and that axis.
fn sums(var: u32, puts: &[Put]) -> (Option<(u32, Dim)>, Vec<Sum>) {
    let mut found = vec![];
    puts.iter().for_each(|p| reductions(&p.value, &mut found));
    let (mut over, mut sums): (Option<(u32, Dim)>, Vec<Sum>) = (None, vec![]);
    for e in found {
        let E::Reduce(Monoid::Sum, vars, body) = &*e else { continue };
        let (vars, body) = collapse_reduce(vars, body);
        let ([axis], E::Bin(Bin::Mul, x, y)) = (&vars[..], &*body) else { continue };
        let (x, y) = if mentions(x, var) { (y, x) } else { (x, y) };
        let split = !mentions(x, var) && mentions(y, var) && body.ty() == Ty::F32;
        if split && over.as_ref().is_none_or(|o| o == axis) && sums.len() < CHAINS {
            over = Some(axis.clone());
            sums.push(Sum { whole: e.clone(), x: x.clone(), y: y.clone() });
        }
    }
    (over, sums)
}

/// Outermost reductions outside of choices, each once.
fn reductions(e: &Expr, out: &mut Vec<Expr>) {
    match &**e {
        E::Reduce(..) => {
            if !out.iter().any(|o| o.address() == e.address()) {
                out.push(e.clone());
            }
        }
        E::Select(..) | E::Pick(..) | E::Load { .. } => {}
        _ => e.for_children(&mut |c| reductions(c, out)),
    }
}

/// Registers of a procedure that every block that reads them sets before: they carry nothing from block to block.
pub fn locals(body: &[Stmt]) -> BTreeSet<u32> {
    let (mut set, mut carried) = (BTreeSet::new(), BTreeSet::new());
    carry(body, &mut set, &mut carried);
    &set - &carried
}

/// Adds the registers that statements set to `set`, and those that may be read with a value of another block to `carried`.
fn carry(body: &[Stmt], set: &mut BTreeSet<u32>, carried: &mut BTreeSet<u32>) {
    let mut here = BTreeSet::new();
    for st in body {
        let mut read = BTreeSet::new();
        expressions(st).into_iter().for_each(|e| registers(e, &mut read));
        carried.extend(read.difference(&here));
        for block in blocks(st) {
            let mut inner = BTreeSet::new();
            carry(block, &mut inner, carried);
            here = &here - &inner;
            set.extend(inner);
        }
        if let Stmt::Set { reg, .. } = st {
            here.insert(*reg);
            set.insert(*reg);
        }
    }
}

fn expressions(st: &Stmt) -> Vec<&Expr> {
    match st {
        Stmt::For { lo, hi, .. } => vec![lo, hi],
        Stmt::While { cond, .. } | Stmt::If { cond, .. } => vec![cond],
        Stmt::Set { value, .. } => vec![value],
        Stmt::Store { index, value, .. } => index.iter().chain([value]).collect(),
    }
}

fn blocks(st: &Stmt) -> Vec<&[Stmt]> {
    match st {
        Stmt::For { body, .. } | Stmt::While { body, .. } => vec![body],
        Stmt::If { then, els, .. } => vec![then, els],
        Stmt::Set { .. } | Stmt::Store { .. } => vec![],
    }
}

fn registers(e: &Expr, out: &mut BTreeSet<u32>) {
    if let E::Reg(r, _) = &**e {
        out.insert(*r);
    }
    e.for_children(&mut |c| registers(c, out));
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlc_ir::Fact;
    use dlc_ir::lower::{for_, set, store};

    fn vector() -> Fact {
        Fact::new(DType::F32, [20.into()])
    }

    fn found(body: Vec<Stmt>) -> bool {
        let all = [for_(0, &20.into(), body)];
        Sweep::of(&all[0], &locals(&all), &|_| vec![20.into()]).is_some()
    }

    fn own(i: Expr) -> Expr {
        Expr::load_slot(Slot::Y(0), DType::F32, &[20.into()], vec![i])
    }

    #[test]
    fn steps_that_only_read_what_they_replace_are_independent() {
        let (i, y) = (Expr::var(0), vector());
        let x = Expr::load(0, &y, vec![i.clone()]);
        let put = |v: Expr| store(0, &y, vec![i.clone()], v);
        let reg = Expr::reg(0, Ty::F32);
        assert!(found(vec![put(x.clone())]));
        assert!(found(vec![put(x.add(&own(i.clone())))]));
        assert!(found(vec![set(0, x.mul(&x)), put(reg.add(&x))]));
        // Another element, a register of the step before, two stores, and a place that does not move on.
        assert!(!found(vec![put(own(i.sub(&Expr::int(1))))]));
        assert!(!found(vec![set(0, reg.add(&x)), put(reg.clone())]));
        assert!(!found(vec![put(x.clone()), put(own(i.clone()))]));
        assert!(!found(vec![store(0, &y, vec![Expr::int(0)], x)]));
    }

    #[test]
    fn registers_read_after_the_loop_carry_values() {
        let x = Expr::load(0, &vector(), vec![Expr::var(0)]);
        let put = |i: Expr| store(0, &vector(), vec![i], Expr::reg(0, Ty::F32));
        let each = for_(0, &20.into(), vec![set(0, x.clone()), put(Expr::var(0))]);
        assert_eq!(locals(std::slice::from_ref(&each)), BTreeSet::from([0]));
        assert!(locals(&[set(0, x.like(0.0)), each, put(Expr::int(3))]).is_empty());
    }
}
