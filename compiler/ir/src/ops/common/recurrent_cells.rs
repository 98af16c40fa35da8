//! The cells of recurrences: LSTM, GRU and RNN, each as numbers and as statements.

use super::recurrent::{Cell, Emit, Step};
use crate::lower::{Expr, Stmt, set};
use crate::{Result, bail};

/// The cell of this name.
pub fn cell(name: &str, input_forget: bool, linear_before_reset: bool) -> Result<Box<dyn Cell>> {
    Ok(match name {
        "LSTM" => Box::new(LstmCell { input_forget }),
        "GRU" => Box::new(GruCell { linear_before_reset }),
        "RNN" => Box::new(RnnCell),
        _ => bail!("attribute cell is {name:?}, expected LSTM, GRU or RNN"),
    })
}

/// `i, o, f = f(x W^T + h R^T + P c + b)`, `c' = f c + i g(..)`, `h' = o h(c')`.
pub struct LstmCell {
    /// Whether the forget gate is 1 less the input gate.
    pub input_forget: bool,
}

/// Gates in their order in W, R and B.
const INPUT: usize = 0;
const OUTPUT: usize = 1;
const FORGET: usize = 2;
const CELL: usize = 3;

impl Cell for LstmCell {
    fn gates(&self) -> usize {
        4
    }
    fn defaults(&self) -> &'static [&'static str] {
        &["Sigmoid", "Tanh", "Tanh"]
    }
    fn has_state(&self) -> bool {
        true
    }
    fn step(&self, s: &Step, h: &[f64], c: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let unit = |j: usize| {
            let sum = |g: usize| s.wx(g, j) + s.rh(g, j, h);
            let i = s.gate(0, sum(INPUT) + s.peephole(0, j) * c[j]);
            let f = match self.input_forget {
                true => 1.0 - i,
                false => s.gate(0, sum(FORGET) + s.peephole(2, j) * c[j]),
            };
            let new = f * c[j] + i * s.gate(1, sum(CELL));
            let o = s.gate(0, sum(OUTPUT) + s.peephole(1, j) * new);
            (o * s.apply(2, new), new)
        };
        (0..s.hidden()).map(unit).unzip()
    }
    fn emit(&self, e: &Emit) -> Vec<Stmt> {
        let sum = |g: usize| e.wx(g).add(&e.rh(g, &|k| e.h(k)));
        let (i, f, new) = (Expr::reg(8, e.ty()), Expr::reg(9, e.ty()), Expr::reg(10, e.ty()));
        let c = e.state();
        let forget = match self.input_forget {
            true => i.like(1.0).sub(&i),
            false => e.gate(0, &e.peephole(2, &c, sum(FORGET))),
        };
        let o = e.gate(0, &e.peephole(1, &new, sum(OUTPUT)));
        let mut body = vec![
            set(8, e.gate(0, &e.peephole(0, &c, sum(INPUT)))),
            set(9, forget),
            set(10, f.mul(&c).add(&i.mul(&e.gate(1, &sum(CELL))))),
            e.keep_state(new.clone()),
        ];
        body.extend(e.finish(o.mul(&e.apply(2, &new))));
        vec![e.units(body)]
    }
}

/// `z, r = f(x W^T + h R^T + b)`, `h' = (1 - z) g(x W^T + (r h) R^T + b) + z h`.
pub struct GruCell {
    /// Whether the reset gate scales the product of the hidden state instead of the state.
    pub linear_before_reset: bool,
}

/// Gates in their order in W, R and B.
const UPDATE: usize = 0;
const RESET: usize = 1;
const HIDDEN: usize = 2;

impl Cell for GruCell {
    fn gates(&self) -> usize {
        3
    }
    fn defaults(&self) -> &'static [&'static str] {
        &["Sigmoid", "Tanh"]
    }
    fn temporaries(&self) -> usize {
        if self.linear_before_reset { 0 } else { 2 }
    }
    fn scales_last(&self) -> bool {
        self.linear_before_reset
    }
    fn step(&self, s: &Step, h: &[f64], _: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let gate = |g: usize| (0..s.hidden()).map(|j| s.gate(0, s.wx(g, j) + s.rh(g, j, h))).collect::<Vec<f64>>();
        let (z, r) = (gate(UPDATE), gate(RESET));
        let reset: Vec<f64> = r.iter().zip(h).map(|(r, h)| r * h).collect();
        let unit = |j: usize| {
            let recurrent = match self.linear_before_reset {
                true => r[j] * s.rh(HIDDEN, j, h),
                false => s.rh(HIDDEN, j, &reset),
            };
            (1.0 - z[j]) * s.gate(1, s.wx(HIDDEN, j) + recurrent) + z[j] * h[j]
        };
        ((0..s.hidden()).map(unit).collect(), vec![0.0; s.hidden()])
    }
    /// Temporary 0 is the update gate, 1 the state that is left of the reset.
    fn emit(&self, e: &Emit) -> Vec<Stmt> {
        let h = e.h(&e.unit());
        let gate = |g: usize| e.gate(0, &e.wx(g).add(&e.rh(g, &|k| e.h(k))));
        let new = |z: Expr, recurrent: Expr| {
            let candidate = e.gate(1, &e.wx(HIDDEN).add(&recurrent));
            e.finish(z.like(1.0).sub(&z).mul(&candidate).add(&z.mul(&h)))
        };
        if self.linear_before_reset {
            let (z, r) = (Expr::reg(8, e.ty()), Expr::reg(9, e.ty()));
            let mut body = vec![set(8, gate(UPDATE)), set(9, gate(RESET))];
            body.extend(new(z, r.mul(&e.rh(HIDDEN, &|k| e.h(k)))));
            return vec![e.units(body)];
        }
        let gates = vec![e.keep(0, gate(UPDATE)), e.keep(1, gate(RESET).mul(&h))];
        vec![e.units(gates), e.units(new(e.temporary(0, &e.unit()), e.rh(HIDDEN, &|k| e.temporary(1, k))))]
    }
}

/// `h' = f(x W^T + h R^T + b)`.
pub struct RnnCell;

impl Cell for RnnCell {
    fn gates(&self) -> usize {
        1
    }
    fn defaults(&self) -> &'static [&'static str] {
        &["Tanh"]
    }
    fn step(&self, s: &Step, h: &[f64], _: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let unit = |j: usize| s.gate(0, s.wx(0, j) + s.rh(0, j, h));
        ((0..s.hidden()).map(unit).collect(), vec![0.0; s.hidden()])
    }
    fn emit(&self, e: &Emit) -> Vec<Stmt> {
        let new = e.gate(0, &e.wx(0).add(&e.rh(0, &|k| e.h(k))));
        vec![e.units(e.finish(new))]
    }
}
