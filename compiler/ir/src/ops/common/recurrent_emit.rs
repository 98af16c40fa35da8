//! Recurrences over time as statements.

use super::recurrent::Recurrent;
use crate::lower::{Expr, Monoid, Slot, Stmt, Ty, for_, set, store};
use crate::op::maybe;
use crate::{DType, Dim, Fact};

/// One direction in statements. Variables: 0 direction and image, 1 step, 2 unit, 3 input, 4 other unit. Registers: 0
/// length, 1 time, 2 current half of the hidden state; a cell uses those from 8 on. Temporary 0 is the hidden state in
/// two halves, 1 the cell state where there is one, then those of the cell.
pub struct Emit<'a> {
    pub(super) r: &'a Recurrent<'a>,
    pub(super) x: &'a [Option<&'a Fact>],
    pub(super) y: &'a [Fact],
    pub(super) d: usize,
    pub(super) scratch: &'a [(DType, Vec<Dim>)],
}

const PAIR: u32 = 0;
const STEP: u32 = 1;
const UNIT: u32 = 2;

impl Emit<'_> {
    /// Type that is computed in.
    pub fn ty(&self) -> Ty {
        Ty::of(self.scratch[0].0)
    }

    /// The current unit.
    pub fn unit(&self) -> Expr {
        Expr::var(UNIT)
    }

    fn image(&self) -> Expr {
        match self.d {
            0 => Expr::var(PAIR),
            _ => Expr::var(PAIR).sub(&Expr::size(&self.r.batch)),
        }
    }

    fn int(&self, reg: u32) -> Expr {
        Expr::reg(reg, Ty::I64)
    }

    fn operand(&self, i: usize, index: Vec<Expr>) -> Option<Expr> {
        maybe(self.x, i).map(|f| Expr::load(i, f, index))
    }

    fn d(&self) -> Expr {
        Expr::int(self.d as i64)
    }

    fn last_index(&self) -> Vec<Expr> {
        let (d, b) = (self.d(), self.image());
        if self.r.batch_first { vec![b, d, self.unit()] } else { vec![d, b, self.unit()] }
    }

    fn row(&self, g: usize) -> Expr {
        Expr::size(&(self.r.hidden.clone() * g.into())).add(&self.unit())
    }

    fn bias(&self, g: usize, part: usize) -> Option<Expr> {
        self.operand(3, vec![self.d(), self.row(g + part * self.r.cell.gates())])
    }

    /// `x W^T + Wb` of the current unit of gate `g`.
    pub fn wx(&self, g: usize) -> Expr {
        let (t, b, i) = (self.int(1), self.image(), Expr::var(3));
        let at = if self.r.batch_first { vec![b, t, i.clone()] } else { vec![t, b, i.clone()] };
        let zero = Expr::num(self.ty(), 0.0);
        let (x, w) = (self.operand(0, at), self.operand(1, vec![self.d(), self.row(g), i]));
        let body = x.zip(w).map_or(zero, |(x, w)| x.mul(&w));
        let sum = Expr::reduce(Monoid::Sum, vec![(3, self.r.input.clone())], body);
        self.bias(g, 0).map_or(sum.clone(), |b| sum.add(&b))
    }

    /// `h R^T + Rb` of the current unit of gate `g`; `h` gives the element of another unit.
    pub fn rh(&self, g: usize, h: &dyn Fn(&Expr) -> Expr) -> Expr {
        let k = Expr::var(4);
        let r = self.operand(2, vec![self.d(), self.row(g), k.clone()]).unwrap_or(Expr::num(self.ty(), 0.0));
        let sum = Expr::reduce(Monoid::Sum, vec![(4, self.r.hidden.clone())], h(&k).mul(&r));
        self.bias(g, 1).map_or(sum.clone(), |b| sum.add(&b))
    }

    /// The hidden state before this step.
    pub fn h(&self, unit: &Expr) -> Expr {
        self.half(self.int(2), unit)
    }

    fn half(&self, half: Expr, unit: &Expr) -> Expr {
        let (dtype, shape) = &self.scratch[0];
        Expr::load_slot(Slot::T(0), *dtype, shape, vec![Expr::var(PAIR), half, unit.clone()])
    }

    /// Element of temporary `k`: the cell state, or one of the cell's own.
    pub fn temporary(&self, k: usize, unit: &Expr) -> Expr {
        let (dtype, shape) = &self.scratch[k];
        Expr::load_slot(Slot::T(k), *dtype, shape, vec![Expr::var(PAIR), unit.clone()])
    }

    /// Sets the current unit's element of temporary `k`.
    pub fn keep(&self, k: usize, value: Expr) -> Stmt {
        let index = vec![Expr::var(PAIR), self.unit()];
        Stmt::Store { slot: Slot::T(k), dtype: self.scratch[k].0, index, value }
    }

    fn keep_h(&self, half: Expr, value: Expr) -> Stmt {
        let index = vec![Expr::var(PAIR), half, self.unit()];
        Stmt::Store { slot: Slot::T(0), dtype: self.scratch[0].0, index, value }
    }

    /// Peephole weight `k` times `c`, where there are peepholes.
    pub fn peephole(&self, k: usize, c: &Expr, to: Expr) -> Expr {
        let w = self.operand(7, vec![self.d(), self.row(k)]);
        w.map_or(to.clone(), |w| to.add(&w.mul(c)))
    }

    /// Function `k` of what enters a gate, clipped first.
    pub fn gate(&self, k: usize, v: &Expr) -> Expr {
        match self.r.clip {
            Some(c) => self.apply(k, &v.max(&v.like(-c)).min(&v.like(c))),
            None => self.apply(k, v),
        }
    }

    /// Function `k`.
    pub fn apply(&self, k: usize, v: &Expr) -> Expr {
        self.r.functions[self.d][k].expr(v)
    }

    /// For each unit.
    pub fn units(&self, body: Vec<Stmt>) -> Stmt {
        for_(UNIT, &self.r.hidden, body)
    }

    /// Stores the current unit's new hidden state.
    pub fn finish(&self, h: Expr) -> Vec<Stmt> {
        let next = Expr::int(1).sub(&self.int(2));
        let new = self.half(next.clone(), &self.unit());
        let mut out = vec![self.keep_h(next, h)];
        out.push(store(0, &self.y[0], self.y_index(self.int(1)), new));
        out
    }

    fn y_index(&self, t: Expr) -> Vec<Expr> {
        let (d, b, j) = (self.d(), self.image(), self.unit());
        if self.r.batch_first { vec![b, t, d, j] } else { vec![t, d, b, j] }
    }

    /// All statements of the direction.
    pub(super) fn direction(&self) -> Vec<Stmt> {
        let (time, zero) = (Expr::size(&self.r.time), Expr::num(self.ty(), 0.0));
        let length = match self.operand(4, vec![self.image()]) {
            Some(l) => l.cast(Ty::I64).max(&Expr::int(0)).min(&time),
            None => time.clone(),
        };
        let initial = |i: usize| self.operand(i, self.last_index()).unwrap_or(zero.clone());
        let mut start = vec![self.keep_h(Expr::int(0), initial(5))];
        if self.r.cell.has_state() {
            start.push(self.keep(1, initial(6)));
        }
        let step = Expr::var(STEP);
        let t = if self.r.reversed[self.d] { self.int(0).sub(&Expr::int(1)).sub(&step) } else { step.clone() };
        let two = Expr::int(2);
        let mut each = vec![set(1, t), set(2, step.rem(&two))];
        each.extend(self.r.cell.emit(self));
        let blank = vec![self.units(vec![store(0, &self.y[0], self.y_index(step), zero)])];
        let mut out = vec![
            set(0, length),
            self.units(start),
            Stmt::For { var: STEP, lo: Expr::int(0), hi: self.int(0), body: each },
            Stmt::For { var: STEP, lo: self.int(0), hi: time, body: blank },
        ];
        let last = [self.half(self.int(0).rem(&two), &self.unit())].into_iter();
        let last = last.chain(self.r.cell.has_state().then(|| self.temporary(1, &self.unit())));
        let stores = last.enumerate().filter(|(i, _)| i + 1 < self.y.len());
        let stores: Vec<Stmt> = stores.map(|(i, v)| store(i + 1, &self.y[i + 1], self.last_index(), v)).collect();
        out.push(self.units(stores));
        out
    }
}
