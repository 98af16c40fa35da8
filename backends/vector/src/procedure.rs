//! Procedures as kernel code, statement by statement; loops whose steps are independent in lanes.

use crate::builder::Builder;
use crate::ir::{Kernel, Node, Reg};
use crate::level::Level;
use crate::scalar::{Place, Scalar, store_at};
use crate::sweep::{Sweep, locals};
use dlc_ir::Dim;
use dlc_ir::lower::affine::Linear;
use dlc_ir::lower::{Expr, Proc, Slot, Stmt, Ty};
use std::collections::{BTreeMap, BTreeSet};

/// The kernel of a procedure. Slots are the buffers `place` says; `shapes` gives the shape of results and temporaries.
pub fn kernel(
    level: Level,
    name: &str,
    p: &Proc,
    place: &Place,
    shapes: &dyn Fn(Slot) -> Vec<Dim>,
    buffers: usize,
) -> Kernel {
    let mut b = Builder::new(level, buffers);
    let mut s = Scalar::new(place, true);
    declare(&mut b, &mut s, &p.body);
    let (begin, end) = b.range();
    let (work, grain) = match &p.parallel {
        Some((_, n)) => (n.clone(), 1.into()),
        None => (1.into(), 1.into()),
    };
    let w = Writer { place, shapes, locals: locals(&p.body) };
    match &p.parallel {
        Some((var, _)) => b.for_(begin, end, 1, |b, i| {
            s.bind(*var, i);
            w.block(b, &mut s, &p.body);
        }),
        None => w.block(&mut b, &mut s, &p.body),
    }
    b.finish(name, work, grain, 0.into())
}

struct Writer<'a> {
    place: &'a Place,
    shapes: &'a dyn Fn(Slot) -> Vec<Dim>,
    /// Registers that carry nothing from block to block.
    locals: BTreeSet<u32>,
}

/// Registers are defined before the first statement, so that every path has a value.
fn declare(b: &mut Builder, s: &mut Scalar, body: &[Stmt]) {
    let mut types = BTreeMap::new();
    collect(body, &mut types);
    for (r, ty) in types {
        let first = Expr::num(ty, 0.0);
        let zero = s.eval(b, &first);
        let reg = b.var(zero);
        s.bind_reg(r, reg);
    }
}

fn collect(body: &[Stmt], types: &mut BTreeMap<u32, Ty>) {
    for st in body {
        match st {
            Stmt::Set { reg, value } => {
                types.insert(*reg, value.ty());
            }
            Stmt::For { body, .. } | Stmt::While { body, .. } => collect(body, types),
            Stmt::If { then, els, .. } => {
                collect(then, types);
                collect(els, types);
            }
            Stmt::Store { .. } => {}
        }
    }
}

impl Writer<'_> {
    fn block(&self, b: &mut Builder, s: &mut Scalar, body: &[Stmt]) {
        for st in body {
            self.stmt(b, s, st);
        }
    }

    fn stmt(&self, b: &mut Builder, s: &mut Scalar, st: &Stmt) {
        if let Some(sweep) = Sweep::of(st, &self.locals, self.shapes) {
            return sweep.emit(b, s);
        }
        match st {
            Stmt::For { var, lo, hi, body } => {
                let (lo, hi) = (s.eval(b, lo), s.eval(b, hi));
                b.for_(lo, hi, 1, |b, i| {
                    s.bind(*var, i);
                    self.block(b, s, body);
                });
            }
            Stmt::While { cond, body } => {
                let mut test: Reg = 0;
                let head = b.block(|b| test = s.eval(b, cond));
                let body = b.block(|b| self.block(b, s, body));
                b.push(Node::While { head, cond: test, body });
            }
            Stmt::If { cond, then, els } => {
                let cond = s.eval(b, cond);
                let then = b.block(|b| self.block(b, s, then));
                let els = b.block(|b| self.block(b, s, els));
                b.push(Node::If { cond, then, els });
            }
            Stmt::Set { reg, value } => {
                let v = s.eval(b, value);
                let r = s.reg(*reg).expect("registers are declared first");
                b.set(r, v);
            }
            Stmt::Store { slot, dtype, index, value } => {
                let v = s.eval(b, value);
                let at = Linear::address(index, &(self.shapes)(*slot));
                let (i, offset) = s.address(b, &at);
                store_at(b, (self.place)(*slot), *dtype, i, offset, v);
            }
        }
    }
}
