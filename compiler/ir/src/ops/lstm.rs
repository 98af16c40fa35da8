//! `LSTM`: `i, o, f = f(x W^T + h R^T + P c + b)`, `c' = f c + i g(..)`, `h' = o h(c')` over time.
//! <https://onnx.ai/onnx/operators/onnx__LSTM.html>

use super::common::recurrent::{Recurrent, Shared, sample};
use super::common::recurrent_cells::LstmCell;
use crate::infer::same_dtype;
use crate::lower::Lowering;
use crate::op::need;
use crate::{Arity, Attrs, Ctx, Dim, Fact, Op, Result, Sample, Tensor, attrs};

attrs!(LstmAttrs {
    /// Parameters of the functions that have one.
    activation_alpha: Vec<f32> = vec![],
    /// Second parameters of the functions that have one.
    activation_beta: Vec<f32> = vec![],
    /// Functions f, g and h of each direction; empty is Sigmoid, Tanh, Tanh.
    activations: Vec<String> = vec![],
    /// Bound of what enters the gates' functions.
    clip: Option<f32>,
    /// `forward`, `reverse` or `bidirectional`.
    direction: String = "forward".into(),
    /// Number of units.
    hidden_size: Option<i64>,
    /// Whether the forget gate is 1 less the input gate.
    input_forget: bool = false,
    /// 1 has the batch as first axis, 0 the time.
    layout: bool = false,
});

pub struct Lstm;

fn with<T>(c: &Ctx, x: [&[Dim]; 3], f: impl FnOnce(&Recurrent) -> Result<T>) -> Result<T> {
    let a = LstmAttrs::read(c.attrs)?;
    let cell = LstmCell { input_forget: a.input_forget };
    let shared = Shared {
        direction: &a.direction,
        activations: &a.activations,
        alpha: &a.activation_alpha,
        beta: &a.activation_beta,
        clip: a.clip,
        batch_first: a.layout,
        hidden: a.hidden_size,
    };
    f(&Recurrent::of_weights(&cell, &shared, x)?)
}

impl Op for Lstm {
    fn name(&self) -> &'static str {
        "LSTM"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        LstmAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(3, 8)
    }
    fn results(&self) -> Arity {
        Arity::range(1, 3)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (a, w, r) = (need(x, 0, "X")?, need(x, 1, "W")?, need(x, 2, "R")?);
        same_dtype(&[a, w, r])?;
        with(c, [&a.shape, &w.shape, &r.shape], |l| l.infer(x, c.outputs))
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let shape = |i: usize, name: &str| Ok(need(x, i, name)?.type_fact().shape);
        let (a, w, r) = (shape(0, "X")?, shape(1, "W")?, shape(2, "R")?);
        with(c, [&a, &w, &r], |l| l.eval(x, c.outputs))
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], _: &[Fact]) -> Result<Lowering> {
        let shape = |i: usize, name: &str| Ok(&need(x, i, name)?.shape[..]);
        let shapes = [shape(0, "X")?, shape(1, "W")?, shape(2, "R")?];
        with(c, shapes, |l| l.expand(c, self.name(), x))
    }
    fn samples(&self) -> Vec<Sample> {
        let a = Attrs::new;
        let names = |v: &[&str]| v.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        let two = names(&["HardSigmoid", "Softsign", "ScaledTanh", "Sigmoid", "Elu", "LeakyRelu"]);
        let given = a().with("activations", two).with("activation_alpha", vec![0.3f32, 0.9]);
        let given = given.with("activation_beta", vec![0.4f32, 0.8]).with("direction", "bidirectional");
        vec![
            sample(a().with("hidden_size", 3i64), 4, &[], 3),
            sample(a().with("direction", "reverse"), 4, &[3, 4], 3),
            sample(a().with("direction", "bidirectional"), 4, &[3, 4, 5, 6, 7], 3),
            sample(given, 4, &[3], 1),
            sample(a().with("layout", 1i64).with("clip", 0.25f32), 4, &[3, 5, 6], 2),
            sample(a().with("layout", 1i64).with("direction", "bidirectional"), 4, &[4, 5, 6], 3),
            sample(a().with("input_forget", 1i64), 4, &[3, 7], 3),
        ]
    }
}
