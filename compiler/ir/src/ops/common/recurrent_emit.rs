//! Recurrences over time as statements.

use super::recurrent::Recurrent;
use crate::lower::{Expr, Lowering, Monoid, Proc, Slot, Stmt, Ty, for_, set, store};
use crate::op::{maybe, need};
use crate::{DType, Dim, Fact, Result};

/// Operands of `dlc.Recurrence`.
pub const GATES: usize = 0;
/// The weights of the hidden state, `[direction, block, other unit, gate, unit of the block]`.
pub const WEIGHTS: usize = 1;
/// The bias that is left for the last gate's product with the hidden state.
pub const BIAS: usize = 2;
/// The first of sequence_lens, initial_h, initial_c, P.
pub const REST: usize = 3;

/// One direction in statements. Variables: 0 direction and image, 1 step, 2 block of units, 3 unit of the block, 4 other
/// unit. Registers: 0 length, 1 time; a cell uses those from 8 on. Temporary 0 is the hidden state, 1 the new one, 2 the
/// cell state where there is one, then those of the cell.
pub struct Emit<'a> {
    r: &'a Recurrent<'a>,
    x: &'a [Option<&'a Fact>],
    y: &'a [Fact],
    weights: &'a Fact,
    d: usize,
    scratch: &'a [(DType, Vec<Dim>)],
}

const PAIR: u32 = 0;
const STEP: u32 = 1;
const BLOCK: u32 = 2;
const UNIT: u32 = 3;
const OTHER: u32 = 4;
/// Temporaries.
const HIDDEN: usize = 0;
const NEW: usize = 1;
const STATE: usize = 2;
/// The register of a unit's new hidden state.
const RESULT: u32 = 15;

/// The recurrence as one procedure: directions and images in parallel, time in order.
pub fn lowering(r: &Recurrent, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
    let pairs = r.batch.clone() * Dim::from(r.directions());
    let wide = if y[0].dtype == DType::F64 { DType::F64 } else { DType::F32 };
    let n = STATE + r.cell.has_state() as usize + r.cell.temporaries();
    let scratch = vec![(wide, vec![pairs.clone(), r.hidden.clone()]); n];
    let weights = need(x, WEIGHTS, "R")?;
    let direction = |d: usize| Emit { r, x, y, weights, d, scratch: &scratch }.direction();
    let first = Expr::var(PAIR).lt(&Expr::size(&r.batch));
    let body = match r.directions() {
        1 => direction(0),
        _ => vec![Stmt::If { cond: first, then: direction(0), els: direction(1) }],
    };
    Ok(Lowering::Proc(Proc { scratch, parallel: Some((PAIR, pairs)), body }))
}

impl Emit<'_> {
    /// Type that is computed in.
    pub fn ty(&self) -> Ty {
        Ty::of(self.scratch[HIDDEN].0)
    }

    /// The current unit.
    pub fn unit(&self) -> Expr {
        Expr::var(BLOCK).mul(&Expr::size(&self.weights.shape[4])).add(&Expr::var(UNIT))
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

    /// What the input and the biases give to the current unit of gate `g`.
    pub fn wx(&self, g: usize) -> Expr {
        let (t, b, row) = (self.int(1), self.image(), self.row(g));
        let at = if self.r.batch_first { vec![b, t, self.d(), row] } else { vec![t, b, self.d(), row] };
        self.operand(GATES, at).unwrap_or(Expr::num(self.ty(), 0.0))
    }

    /// `h R^T`, and the bias that is left, of the current unit of gate `g`; `h` gives the element of another unit.
    pub fn rh(&self, g: usize, h: &dyn Fn(&Expr) -> Expr) -> Expr {
        let (k, gate) = (Expr::var(OTHER), Expr::int(g as i64));
        let r = Expr::load(WEIGHTS, self.weights, vec![self.d(), Expr::var(BLOCK), k.clone(), gate, Expr::var(UNIT)]);
        let sum = Expr::reduce(Monoid::Sum, vec![(OTHER, self.weights.shape[2].clone())], h(&k).mul(&r));
        let bias = self.operand(BIAS, vec![self.d(), self.unit()]).filter(|_| g + 1 == self.r.cell.gates());
        bias.map_or(sum.clone(), |b| sum.add(&b))
    }

    fn element(&self, t: usize, unit: &Expr) -> Expr {
        let (dtype, shape) = &self.scratch[t];
        Expr::load_slot(Slot::T(t), *dtype, shape, vec![Expr::var(PAIR), unit.clone()])
    }

    fn put(&self, t: usize, value: Expr) -> Stmt {
        let index = vec![Expr::var(PAIR), self.unit()];
        Stmt::Store { slot: Slot::T(t), dtype: self.scratch[t].0, index, value }
    }

    /// The hidden state before this step.
    pub fn h(&self, unit: &Expr) -> Expr {
        self.element(HIDDEN, unit)
    }

    /// The current unit's cell state.
    pub fn state(&self) -> Expr {
        self.element(STATE, &self.unit())
    }

    /// Sets the current unit's cell state.
    pub fn keep_state(&self, value: Expr) -> Stmt {
        self.put(STATE, value)
    }

    fn own(&self, k: usize) -> usize {
        STATE + self.r.cell.has_state() as usize + k
    }

    /// Element of the cell's temporary `k`.
    pub fn temporary(&self, k: usize, unit: &Expr) -> Expr {
        self.element(self.own(k), unit)
    }

    /// Sets the current unit's element of the cell's temporary `k`.
    pub fn keep(&self, k: usize, value: Expr) -> Stmt {
        self.put(self.own(k), value)
    }

    /// Peephole weight `k` times `c`, where there are peepholes.
    pub fn peephole(&self, k: usize, c: &Expr, to: Expr) -> Expr {
        let w = self.operand(REST + 3, vec![self.d(), self.row(k)]);
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
        let [_, blocks, _, _, width] = &self.weights.shape[..] else { unreachable!("the weights have five axes") };
        for_(BLOCK, blocks, vec![for_(UNIT, width, body)])
    }

    /// Stores the current unit's new hidden state.
    pub fn finish(&self, h: Expr) -> Vec<Stmt> {
        let new = Expr::reg(RESULT, self.ty());
        vec![set(RESULT, h), self.put(NEW, new.clone()), store(0, &self.y[0], self.y_index(self.int(1)), new)]
    }

    fn y_index(&self, t: Expr) -> Vec<Expr> {
        let (d, b, j) = (self.d(), self.image(), self.unit());
        if self.r.batch_first { vec![b, t, d, j] } else { vec![t, d, b, j] }
    }

    /// All statements of the direction.
    fn direction(&self) -> Vec<Stmt> {
        let (time, zero) = (Expr::size(&self.r.time), Expr::num(self.ty(), 0.0));
        let length = match self.operand(REST, vec![self.image()]) {
            Some(l) => l.cast(Ty::I64).max(&Expr::int(0)).min(&time),
            None => time.clone(),
        };
        let initial = |i: usize| self.operand(REST + i, self.last_index()).unwrap_or(zero.clone());
        let state = self.r.cell.has_state();
        let mut start = vec![self.put(HIDDEN, initial(1))];
        start.extend(state.then(|| self.keep_state(initial(2))));
        let step = Expr::var(STEP);
        let t = if self.r.reversed[self.d] { self.int(0).sub(&Expr::int(1)).sub(&step) } else { step.clone() };
        let mut each = vec![set(1, t)];
        each.extend(self.r.cell.emit(self));
        each.push(self.units(vec![self.put(HIDDEN, self.element(NEW, &self.unit()))]));
        let blank = vec![self.units(vec![store(0, &self.y[0], self.y_index(step), zero)])];
        let mut out = vec![
            set(0, length),
            self.units(start),
            Stmt::For { var: STEP, lo: Expr::int(0), hi: self.int(0), body: each },
            Stmt::For { var: STEP, lo: self.int(0), hi: time, body: blank },
        ];
        let last = [self.h(&self.unit())].into_iter().chain(state.then(|| self.state()));
        let stores = last.enumerate().filter(|(i, _)| i + 1 < self.y.len());
        let stores: Vec<Stmt> = stores.map(|(i, v)| store(i + 1, &self.y[i + 1], self.last_index(), v)).collect();
        if !stores.is_empty() {
            out.push(self.units(stores));
        }
        out
    }
}
