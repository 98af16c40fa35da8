//! Recurrences over time: what LSTM, GRU and RNN share. Each gives one step as a [`Cell`].

pub use super::recurrent_emit::Emit;

use super::activation::{Activation, activations};
use crate::lower::Stmt;
use crate::op::{maybe, need};
use crate::{DType, Dim, Fact, Num, Result, Tensor, bail, ensure};

/// The attributes that all recurrences share.
#[derive(Clone, Debug)]
pub struct Shared<'a> {
    /// `forward`, `reverse` or `bidirectional`.
    pub direction: &'a str,
    /// Names of the functions for each direction in turn; empty is the default.
    pub activations: &'a [String],
    /// Their parameters.
    pub alpha: &'a [f32],
    /// Their parameters.
    pub beta: &'a [f32],
    /// Bound of what enters the gates' functions.
    pub clip: Option<f32>,
    /// Whether the batch is the first axis of X and the results.
    pub batch_first: bool,
    /// Number of units, where it is given.
    pub hidden: Option<i64>,
}

/// One step of a recurrence, twice: as numbers and as statements.
pub trait Cell {
    /// Number of gates stacked in W, R and B.
    fn gates(&self) -> usize;
    /// Default functions of one direction.
    fn defaults(&self) -> &'static [&'static str];
    /// Whether there is a cell state beside the hidden one.
    fn has_state(&self) -> bool {
        false
    }
    /// Number of temporaries as long as the hidden state that [`Cell::emit`] uses.
    fn temporaries(&self) -> usize {
        0
    }
    /// Whether the last gate's product with the hidden state is scaled: its bias cannot be added beforehand.
    fn scales_last(&self) -> bool {
        false
    }
    /// The new hidden and cell state.
    fn step(&self, s: &Step, h: &[f64], c: &[f64]) -> (Vec<f64>, Vec<f64>);
    /// Statements that compute the new hidden state and hand it to [`Emit::finish`].
    fn emit(&self, e: &Emit) -> Vec<Stmt>;
}

/// A recurrence with its attributes resolved.
pub struct Recurrent<'a> {
    pub(super) cell: &'a dyn Cell,
    pub(super) reversed: Vec<bool>,
    pub(super) functions: Vec<Vec<Activation>>,
    pub(super) clip: Option<f64>,
    pub(super) batch_first: bool,
    pub(super) time: Dim,
    pub(super) batch: Dim,
    pub(super) hidden: Dim,
}

impl<'a> Recurrent<'a> {
    /// Resolves the attributes for an operand whose first two axes are time and batch, and so many units.
    pub fn new(cell: &'a dyn Cell, a: &Shared, x: [&Dim; 2], hidden: &Dim) -> Result<Self> {
        let reversed = match a.direction {
            "forward" => vec![false],
            "reverse" => vec![true],
            "bidirectional" => vec![false, true],
            d => bail!("direction is {d:?}, expected forward, reverse or bidirectional"),
        };
        let n = reversed.len();
        let defaults: Vec<String> = cell.defaults().repeat(n).iter().map(|s| s.to_string()).collect();
        let names = if a.activations.is_empty() { &defaults } else { a.activations };
        ensure!(names.len() == defaults.len(), "{} activations, expected {}", names.len(), defaults.len());
        let functions = activations(names, a.alpha, a.beta)?;
        Ok(Recurrent {
            cell,
            functions: functions.chunks(names.len() / n).map(<[_]>::to_vec).collect(),
            reversed,
            clip: a.clip.map(f64::from).filter(|c| *c > 0.0),
            batch_first: a.batch_first,
            time: x[a.batch_first as usize].clone(),
            batch: x[!a.batch_first as usize].clone(),
            hidden: a.hidden.map_or(hidden.clone(), Dim::from),
        })
    }

    /// The same for operands X, W and R of these shapes.
    pub fn of_weights(cell: &'a dyn Cell, a: &Shared, [x, w, r]: [&[Dim]; 3]) -> Result<Self> {
        for (what, s) in [("X", x), ("W", w), ("R", r)] {
            ensure!(s.len() == 3, "operand {what} has rank {}, expected 3", s.len());
        }
        let out = Recurrent::new(cell, a, [&x[0], &x[1]], &r[2])?;
        let (n, rows) = (Dim::from(out.directions()), out.rows());
        expect("W", w, &[n.clone(), rows.clone(), x[2].clone()])?;
        expect("R", r, &[n, rows, out.hidden.clone()])?;
        Ok(out)
    }

    /// Number of directions.
    pub fn directions(&self) -> usize {
        self.reversed.len()
    }

    /// Rows of W and R: units of all gates.
    pub fn rows(&self) -> Dim {
        self.hidden.clone() * self.cell.gates().into()
    }

    /// Facts of Y, Y_h and Y_c, as many as asked for, from operands X, W, R, B and the rest.
    pub fn infer(&self, x: &[Option<&Fact>], outputs: usize) -> Result<Vec<Fact>> {
        let dtype = need(x, 0, "X")?.dtype;
        ensure!(dtype.is_float(), "operand X has type {dtype}, expected a float type");
        let bias = [self.directions().into(), self.rows() * 2.into()];
        same("B", maybe(x, 3), &bias, Some(dtype))?;
        self.infer_rest(dtype, rest(x, 4), outputs)
    }

    /// The same from what follows the weights: sequence_lens, initial_h, initial_c, P.
    pub fn infer_rest(&self, dtype: DType, x: &[Option<&Fact>], outputs: usize) -> Result<Vec<Fact>> {
        let (y, last) = self.shapes();
        let peepholes = [self.directions().into(), self.hidden.clone() * 3.into()];
        same("sequence_lens", maybe(x, 0), std::slice::from_ref(&self.batch), None)?;
        same("initial_h", maybe(x, 1), &last, Some(dtype))?;
        same("initial_c", maybe(x, 2), &last, Some(dtype))?;
        same("P", maybe(x, 3), &peepholes, Some(dtype))?;
        Ok([y, last.clone(), last].into_iter().take(outputs).map(|s| Fact::new(dtype, s)).collect())
    }

    /// Shapes of Y and of the last states.
    fn shapes(&self) -> (Vec<Dim>, Vec<Dim>) {
        let (t, n, b, h) = (&self.time, &Dim::from(self.directions()), &self.batch, &self.hidden);
        let own = |s: &[&Dim]| s.iter().map(|d| (*d).clone()).collect();
        match self.batch_first {
            false => (own(&[t, n, b, h]), own(&[n, b, h])),
            true => (own(&[b, t, n, h]), own(&[b, n, h])),
        }
    }

    /// Meaning, from operands X, W, R, B and the rest.
    pub fn eval(&self, x: &[Option<&Tensor>], outputs: usize) -> Result<Vec<Tensor>> {
        let x0 = need(x, 0, "X")?;
        let (data, hidden) = (x0.to_f64(), self.hidden.as_const().unwrap_or(0) as usize);
        let input = x0.shape()[2];
        self.run(x0.dtype(), rest(x, 4), outputs, &|d, row| {
            Box::new(Plain { gates: self.cell.gates(), x, d, hidden, input: &data[row * input..(row + 1) * input] })
        })
    }

    /// Meaning, from what follows the weights; `sums` gives those of a direction and an element of the first two axes.
    pub fn run<'s>(
        &self,
        dtype: DType,
        x: &[Option<&Tensor>],
        outputs: usize,
        sums: &dyn Fn(usize, usize) -> Box<dyn Sums + 's>,
    ) -> Result<Vec<Tensor>> {
        let get = |d: &Dim| d.as_const().unwrap_or(0) as usize;
        let (time, batch, hidden) = (get(&self.time), get(&self.batch), get(&self.hidden));
        let dirs = self.directions();
        let state = |i: usize, at: usize| match maybe(x, i) {
            Some(t) => (0..hidden).map(|j| t.at(at * hidden + j).f()).collect(),
            None => vec![0.0; hidden],
        };
        let mut y = vec![0.0; time * dirs * batch * hidden];
        let mut last = [vec![0.0; dirs * batch * hidden], vec![0.0; dirs * batch * hidden]];
        for (d, b) in (0..dirs).flat_map(|d| (0..batch).map(move |b| (d, b))) {
            let slot = if self.batch_first { b * dirs + d } else { d * batch + b };
            let len = maybe(x, 0).map_or(time, |l| (l.at(b).i().max(0) as usize).min(time));
            let (mut h, mut c) = (state(1, slot), state(2, slot));
            for s in 0..len {
                let t = if self.reversed[d] { len - 1 - s } else { s };
                let row = if self.batch_first { b * time + t } else { t * batch + b };
                let sums = sums(d, row);
                let step = Step { r: self, d, hidden, sums: &*sums, peepholes: maybe(x, 3) };
                (h, c) = self.cell.step(&step, &h, &c);
                let at = if self.batch_first { (b * time + t) * dirs + d } else { (t * dirs + d) * batch + b };
                y[at * hidden..(at + 1) * hidden].copy_from_slice(&h);
            }
            last[0][slot * hidden..(slot + 1) * hidden].copy_from_slice(&h);
            last[1][slot * hidden..(slot + 1) * hidden].copy_from_slice(&c);
        }
        let (shape_y, shape_last) = self.shapes();
        let tensor = |s: &[Dim], v: Vec<f64>| {
            Tensor::new(dtype, &s.iter().map(get).collect::<Vec<_>>(), v.into_iter().map(Num::F))
        };
        let [h, c] = last;
        let all = [tensor(&shape_y, y), tensor(&shape_last, h), tensor(&shape_last, c)];
        Ok(all.into_iter().take(outputs).collect())
    }
}

/// The operands from `from` on.
fn rest<'a, T>(x: &'a [Option<&'a T>], from: usize) -> &'a [Option<&'a T>] {
    x.get(from..).unwrap_or_default()
}

/// Refuses an operand that is there in another shape, or of another type.
fn same(what: &str, found: Option<&Fact>, shape: &[Dim], dtype: Option<DType>) -> Result<()> {
    let Some(f) = found else { return Ok(()) };
    expect(what, &f.shape, shape)?;
    ensure!(
        dtype.is_none_or(|d| d == f.dtype),
        "operand {what} has type {}, expected {}",
        f.dtype,
        dtype.unwrap_or(f.dtype)
    );
    Ok(())
}

/// Refuses an operand of another shape, as far as sizes are known.
pub fn expect(what: &str, found: &[Dim], want: &[Dim]) -> Result<()> {
    let fits = |(a, b): (&Dim, &Dim)| a.as_const().is_none() || b.as_const().is_none() || a == b;
    let ok = found.len() == want.len() && found.iter().zip(want).all(fits);
    let show = |s: &[Dim]| s.iter().map(|d| d.to_string()).collect::<Vec<_>>().join(",");
    ensure!(ok, "operand {what} has shape [{}], expected [{}]", show(found), show(want));
    Ok(())
}

/// The sums that enter the gates at one step of one image.
pub trait Sums {
    /// `x W^T` and what biases add beforehand, of unit `j` of gate `g`.
    fn wx(&self, g: usize, j: usize) -> f64;
    /// `h R^T` and the bias that is left, of unit `j` of gate `g`.
    fn rh(&self, g: usize, j: usize, h: &[f64]) -> f64;
}

/// Sums from operands X, W, R and B.
struct Plain<'a> {
    gates: usize,
    x: &'a [Option<&'a Tensor>],
    d: usize,
    hidden: usize,
    input: &'a [f64],
}

impl Plain<'_> {
    fn product(&self, operand: usize, row: usize, v: &[f64]) -> f64 {
        let from = (self.d * self.gates * self.hidden + row) * v.len();
        let Some(m) = maybe(self.x, operand) else { return 0.0 };
        v.iter().enumerate().map(|(i, v)| v * m.at(from + i).f()).sum()
    }

    fn bias(&self, at: usize) -> f64 {
        maybe(self.x, 3).map_or(0.0, |b| b.at(self.d * 2 * self.gates * self.hidden + at).f())
    }
}

impl Sums for Plain<'_> {
    fn wx(&self, g: usize, j: usize) -> f64 {
        let row = g * self.hidden + j;
        self.product(1, row, self.input) + self.bias(row)
    }
    fn rh(&self, g: usize, j: usize, h: &[f64]) -> f64 {
        let row = g * self.hidden + j;
        self.product(2, row, h) + self.bias(self.gates * self.hidden + row)
    }
}

/// One time step of one image in numbers.
pub struct Step<'a> {
    r: &'a Recurrent<'a>,
    d: usize,
    hidden: usize,
    sums: &'a dyn Sums,
    peepholes: Option<&'a Tensor>,
}

impl Step<'_> {
    /// Number of units.
    pub fn hidden(&self) -> usize {
        self.hidden
    }

    /// See [`Sums::wx`].
    pub fn wx(&self, g: usize, j: usize) -> f64 {
        self.sums.wx(g, j)
    }

    /// See [`Sums::rh`].
    pub fn rh(&self, g: usize, j: usize, h: &[f64]) -> f64 {
        self.sums.rh(g, j, h)
    }

    /// Peephole weight `k` of unit `j`.
    pub fn peephole(&self, k: usize, j: usize) -> f64 {
        self.peepholes.map_or(0.0, |p| p.at((self.d * 3 + k) * self.hidden + j).f())
    }

    /// Function `k` of what enters a gate, clipped first.
    pub fn gate(&self, k: usize, v: f64) -> f64 {
        self.apply(k, self.r.clip.map_or(v, |c| v.clamp(-c, c)))
    }

    /// Function `k`.
    pub fn apply(&self, k: usize, v: f64) -> f64 {
        self.r.functions[self.d][k].eval(v)
    }
}

/// A sample with 5 steps, 2 images, 4 inputs and 3 units; `given` lists the optional operands it has.
pub fn sample(attrs: crate::Attrs, gates: usize, given: &[usize], outputs: usize) -> crate::Sample {
    let n = if matches!(attrs.get("direction"), Some(crate::Attr::Str(d)) if d == "bidirectional") { 2 } else { 1 };
    let first = attrs.int("layout", 0).is_ok_and(|l| l == 1);
    let (x, last) = if first { ([2, 5, 4], [2, n, 3]) } else { ([5, 2, 4], [n, 2, 3]) };
    let small = |shape: &[usize], seed: u32| {
        let t = super::elementwise::sample_floats(shape, seed);
        Tensor::new(DType::F32, shape, t.iter().map(|v| Num::F(v.f() / 4.0)))
    };
    let optional = |i: usize| match i {
        3 => small(&[n, 2 * gates * 3], 4),
        4 => Tensor::floats(DType::I32, &[2], &[3.0, 5.0]),
        5 | 6 => small(&last, 1 + i as u32),
        _ => small(&[n, 9], 8),
    };
    let required = [small(&x, 1), small(&[n, gates * 3, 4], 2), small(&[n, gates * 3, 3], 3)];
    let mut operands: Vec<Option<Tensor>> = required.into_iter().map(Some).collect();
    for i in 3..given.iter().max().map_or(3, |m| m + 1) {
        operands.push(given.contains(&i).then(|| optional(i)));
    }
    crate::Sample { attrs, x: operands, outputs }
}
