//! `RNN`: `h' = f(x W^T + h R^T + b)` over time.
//! <https://onnx.ai/onnx/operators/onnx__RNN.html>

use super::common::recurrent::{Recurrent, Shared, sample};
use super::common::recurrent_cells::RnnCell;
use crate::infer::same_dtype;
use crate::lower::Lowering;
use crate::op::need;
use crate::{Arity, Attrs, Ctx, Dim, Fact, Op, Result, Sample, Tensor, attrs};

attrs!(RnnAttrs {
    /// Parameters of the functions that have one.
    activation_alpha: Vec<f32> = vec![],
    /// Second parameters of the functions that have one.
    activation_beta: Vec<f32> = vec![],
    /// Function of each direction; empty is Tanh.
    activations: Vec<String> = vec![],
    /// Bound of what enters the gates' functions.
    clip: Option<f32>,
    /// `forward`, `reverse` or `bidirectional`.
    direction: String = "forward".into(),
    /// Number of units.
    hidden_size: Option<i64>,
    /// 1 has the batch as first axis, 0 the time.
    layout: bool = false,
});

pub struct Rnn;

fn with<T>(c: &Ctx, x: [&[Dim]; 3], f: impl FnOnce(&Recurrent) -> Result<T>) -> Result<T> {
    let a = RnnAttrs::read(c.attrs)?;
    let shared = Shared {
        direction: &a.direction,
        activations: &a.activations,
        alpha: &a.activation_alpha,
        beta: &a.activation_beta,
        clip: a.clip,
        batch_first: a.layout,
        hidden: a.hidden_size,
    };
    f(&Recurrent::of_weights(&RnnCell, &shared, x)?)
}

impl Op for Rnn {
    fn name(&self) -> &'static str {
        "RNN"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        RnnAttrs::SCHEMA
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
        let given = a().with("activations", names(&["Affine", "ThresholdedRelu"])).with("direction", "bidirectional");
        let given = given.with("activation_alpha", vec![0.5f32, 0.1]).with("activation_beta", vec![0.4f32]);
        vec![
            sample(a().with("hidden_size", 3i64), 1, &[], 2),
            sample(a().with("direction", "reverse"), 1, &[3, 4], 2),
            sample(a().with("direction", "bidirectional"), 1, &[3, 4, 5], 2),
            sample(given, 1, &[3], 1),
            sample(a().with("layout", 1i64).with("clip", 0.25f32), 1, &[3, 5], 2),
        ]
    }
}
