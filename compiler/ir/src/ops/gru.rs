//! `GRU`: `z, r = f(x W^T + h R^T + b)`, `h' = (1 - z) g(x W^T + (r h) R^T + b) + z h` over time.
//! <https://onnx.ai/onnx/operators/onnx__GRU.html>

use super::common::recurrent::{Recurrent, Shared, sample};
use super::common::recurrent_cells::GruCell;
use crate::infer::same_dtype;
use crate::lower::Lowering;
use crate::op::need;
use crate::{Arity, Attrs, Ctx, Dim, Fact, Op, Result, Sample, Tensor, attrs};

attrs!(GruAttrs {
    /// Parameters of the functions that have one.
    activation_alpha: Vec<f32> = vec![],
    /// Second parameters of the functions that have one.
    activation_beta: Vec<f32> = vec![],
    /// Functions f and g of each direction; empty is Sigmoid, Tanh.
    activations: Vec<String> = vec![],
    /// Bound of what enters the gates' functions.
    clip: Option<f32>,
    /// `forward`, `reverse` or `bidirectional`.
    direction: String = "forward".into(),
    /// Number of units.
    hidden_size: Option<i64>,
    /// 1 has the batch as first axis, 0 the time.
    layout: bool = false,
    /// Whether the reset gate scales the product of the hidden state instead of the state.
    linear_before_reset: bool = false,
});

pub struct Gru;

fn with<T>(c: &Ctx, x: [&[Dim]; 3], f: impl FnOnce(&Recurrent) -> Result<T>) -> Result<T> {
    let a = GruAttrs::read(c.attrs)?;
    let cell = GruCell { linear_before_reset: a.linear_before_reset };
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

impl Op for Gru {
    fn name(&self) -> &'static str {
        "GRU"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        GruAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(3, 6)
    }
    fn results(&self) -> Arity {
        Arity::range(1, 2)
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
        let two = names(&["HardSigmoid", "Softplus", "Affine", "Relu"]);
        let given = a().with("activations", two).with("activation_alpha", vec![0.3f32, 0.9]);
        let given = given.with("activation_beta", vec![0.4f32, 0.8]).with("direction", "bidirectional");
        let linear = a().with("linear_before_reset", 1i64);
        vec![
            sample(a().with("hidden_size", 3i64), 3, &[], 2),
            sample(a().with("direction", "reverse"), 3, &[3, 4], 2),
            sample(a().with("direction", "bidirectional"), 3, &[3, 4, 5], 2),
            sample(given, 3, &[3], 1),
            sample(linear.clone().with("layout", 1i64).with("clip", 0.25f32), 3, &[3, 5], 2),
            sample(linear.with("direction", "bidirectional"), 3, &[3, 5], 2),
        ]
    }
}
