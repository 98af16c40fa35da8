//! `dlc.Recurrence`: what is left of `LSTM`, `GRU` and `RNN` when the product of the input is there for all steps. Ours: what
//! they are computed by.
//!
//! Operands: gates T[time, batch, directions, rows], which are `x W^T` and the biases that can be added beforehand (with
//! `layout` 1 the batch is the first axis); R T[directions, blocks, units, gates, units of a block], unit `i` of block `b`
//! being `b * width + i`; optionally the bias of the last gate's product with the hidden state T[directions, units], then
//! sequence_lens, initial_h, initial_c and P. Results as `LSTM`.

use super::common::elementwise::sample_floats;
use super::common::recurrent::{Cell, Recurrent, Shared, Sums, expect, sample};
use super::common::recurrent_cells::cell;
use super::common::recurrent_emit::{self, BIAS, GATES, REST, WEIGHTS};
use crate::infer::same_dtype;
use crate::lower::Lowering;
use crate::op::{maybe, need};
use crate::{Arity, Attrs, Ctx, Dim, Fact, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(RecurrenceAttrs {
    /// Parameters of the functions that have one.
    activation_alpha: Vec<f32> = vec![],
    /// Second parameters of the functions that have one.
    activation_beta: Vec<f32> = vec![],
    /// Functions of each direction, as the operator's.
    activations: Vec<String> = vec![],
    /// `LSTM`, `GRU` or `RNN`.
    cell: String,
    /// Bound of what enters the gates' functions.
    clip: Option<f32>,
    /// `forward`, `reverse` or `bidirectional`.
    direction: String = "forward".into(),
    /// Number of units; follows from R.
    hidden_size: Option<i64>,
    /// `LSTM`: whether the forget gate is 1 less the input gate.
    input_forget: bool = false,
    /// 1 has the batch as first axis, 0 the time.
    layout: bool = false,
    /// `GRU`: whether the reset gate scales the product of the hidden state instead of the state.
    linear_before_reset: bool = false,
});

pub struct DlcRecurrence;

/// Runs `f` with the recurrence of operands gates and R of these shapes.
fn with<T>(c: &Ctx, gates: &[Dim], r: &[Dim], f: impl FnOnce(&Recurrent, &dyn Cell) -> Result<T>) -> Result<T> {
    let a = RecurrenceAttrs::read(c.attrs)?;
    let cell = cell(&a.cell, a.input_forget, a.linear_before_reset)?;
    ensure!(gates.len() == 4, "operand gates has rank {}, expected 4", gates.len());
    ensure!(r.len() == 5, "operand R has rank {}, expected 5", r.len());
    let hidden = r[1].clone() * r[4].clone();
    let shared = Shared {
        direction: &a.direction,
        activations: &a.activations,
        alpha: &a.activation_alpha,
        beta: &a.activation_beta,
        clip: a.clip,
        batch_first: a.layout,
        hidden: None,
    };
    let l = Recurrent::new(&*cell, &shared, [&gates[0], &gates[1]], &hidden)?;
    let n = Dim::from(l.directions());
    expect("gates", &gates[2..], &[n.clone(), l.rows()])?;
    expect("R", r, &[n, r[1].clone(), hidden, cell.gates().into(), r[4].clone()])?;
    f(&l, &*cell)
}

/// The sums of one direction at one row of the gates.
struct Projected<'a> {
    gates: &'a [f64],
    r: &'a Tensor,
    bias: Option<&'a Tensor>,
    last: usize,
    d: usize,
}

impl Sums for Projected<'_> {
    fn wx(&self, g: usize, j: usize) -> f64 {
        self.gates[g * self.r.shape()[2] + j]
    }
    fn rh(&self, g: usize, j: usize, h: &[f64]) -> f64 {
        let [_, blocks, units, gates, width] = self.r.shape()[..] else { return 0.0 };
        let at = |k: usize| (((self.d * blocks + j / width) * units + k) * gates + g) * width + j % width;
        let sum: f64 = h.iter().enumerate().map(|(k, h)| h * self.r.at(at(k)).f()).sum();
        let bias = self.bias.filter(|_| g == self.last);
        sum + bias.map_or(0.0, |b| b.at(self.d * units + j).f())
    }
}

impl Op for DlcRecurrence {
    fn name(&self) -> &'static str {
        "Recurrence"
    }
    fn domain(&self) -> &'static str {
        "dlc"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        RecurrenceAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(2, 7)
    }
    fn results(&self) -> Arity {
        Arity::range(1, 3)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (gates, r) = (need(x, GATES, "gates")?, need(x, WEIGHTS, "R")?);
        same_dtype(&[gates, r])?;
        ensure!(gates.dtype.is_float(), "operand gates has type {}, expected a float type", gates.dtype);
        with(c, &gates.shape, &r.shape, |l, _| {
            if let Some(b) = maybe(x, BIAS) {
                expect("bias", &b.shape, &[l.directions().into(), r.shape[1].clone() * r.shape[4].clone()])?;
                ensure!(b.dtype == gates.dtype, "operand bias has type {}, expected {}", b.dtype, gates.dtype);
            }
            l.infer_rest(gates.dtype, x.get(REST..).unwrap_or_default(), c.outputs)
        })
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (gates, r) = (need(x, GATES, "gates")?, need(x, WEIGHTS, "R")?);
        let (data, rows) = (gates.to_f64(), gates.shape()[3]);
        with(c, &gates.type_fact().shape, &r.type_fact().shape, |l, cell| {
            let (bias, last) = (maybe(x, BIAS), cell.gates() - 1);
            l.run(gates.dtype(), x.get(REST..).unwrap_or_default(), c.outputs, &|d, row| {
                let at = (row * l.directions() + d) * rows;
                Box::new(Projected { gates: &data[at..at + rows], r, bias, last, d })
            })
        })
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (gates, r) = (need(x, GATES, "gates")?, need(x, WEIGHTS, "R")?);
        with(c, &gates.shape, &r.shape, |l, _| recurrent_emit::lowering(l, x, y))
    }
    fn samples(&self) -> Vec<Sample> {
        let a = |cell: &str| Attrs::new().with("cell", cell);
        let names = |v: &[&str]| v.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        let given =
            a("RNN").with("activations", names(&["Affine", "ThresholdedRelu"])).with("direction", "bidirectional");
        let given = given.with("activation_alpha", vec![0.5f32, 0.1]).with("activation_beta", vec![0.4f32]);
        let linear = a("GRU").with("linear_before_reset", 1i64);
        vec![
            projected(a("LSTM").with("hidden_size", 3i64), 4, &[], 3),
            projected(a("LSTM").with("direction", "bidirectional"), 4, &[4, 5, 6, 7], 3),
            projected(a("LSTM").with("layout", 1i64).with("clip", 0.25f32).with("input_forget", 1i64), 4, &[5, 6], 2),
            projected(a("GRU").with("direction", "reverse"), 3, &[4], 2),
            projected(linear.with("direction", "bidirectional"), 3, &[3, 5], 2),
            projected(given, 1, &[], 1),
        ]
    }
}

/// The sample of an operator with operands X, W, R, B and the rest, as one of gates and R in one block; `given` are operands
/// of that.
fn projected(attrs: Attrs, gates: usize, given: &[usize], outputs: usize) -> Sample {
    let plain = sample(attrs.clone(), gates, given, outputs);
    let shape = |i: usize| plain.x[i].as_ref().map_or(vec![], |t| t.shape().to_vec());
    let (x, n) = (shape(0), shape(2)[0]);
    let mut all = vec![Some(sample_floats(&[x[0], x[1], n, gates * 3], 11))];
    all.push(Some(sample_floats(&[n, 1, 3, gates, 3], 12)));
    all.push(given.contains(&3).then(|| sample_floats(&[n, 3], 13)));
    all.extend(plain.x.into_iter().skip(4));
    Sample { attrs, x: all, outputs }
}
