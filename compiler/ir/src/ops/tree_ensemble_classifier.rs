//! `TreeEnsembleClassifier`: the class for which the leaves that a row comes to have the most weight, and the scores of
//! all classes. <https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleClassifier.html>
//!
//! Of two classes, weights may be of one only. The definition is silent about it; it is as ONNX Runtime does: with
//! weights of class 0 only, their sum s is the score of class 1. That of class 0 is `1 - s` if no weight is negative,
//! else `-s`, or with `LOGISTIC` both are transformed. The label is class 1 above 0.5 or above 0 accordingly.

use super::common::expansion::Expansion;
use super::common::labels::{Labels, largest};
use super::common::scores::Post;
use super::common::trees::{Aggregate, Listed, Trees, matrix, numbers, rows};
use super::tree_ensemble_regressor::{sample, without};
use crate::lower::Lowering;
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor, Value, attrs, ensure};
use std::sync::Arc;

attrs!(TreeEnsembleClassifierAttrs {
    /// Added to the scores: one for each class.
    base_values: Vec<f32> = vec![],
    /// The same, of any type.
    base_values_as_tensor: Option<Arc<Tensor>>,
    /// Class of each weight.
    class_ids: Vec<i64> = vec![],
    /// Node of each weight.
    class_nodeids: Vec<i64> = vec![],
    /// Tree of each weight.
    class_treeids: Vec<i64> = vec![],
    /// The weights.
    class_weights: Vec<f32> = vec![],
    /// The same, of any type.
    class_weights_as_tensor: Option<Arc<Tensor>>,
    /// Labels of the classes.
    classlabels_int64s: Vec<i64> = vec![],
    /// Labels of the classes.
    classlabels_strings: Vec<String> = vec![],
    /// Number in its tree of the next node where the answer is no.
    nodes_falsenodeids: Vec<i64> = vec![],
    /// Column that each node asks for.
    nodes_featureids: Vec<i64> = vec![],
    /// How often each node is met; not used.
    nodes_hitrates: Vec<f32> = vec![],
    /// The same, of any type.
    nodes_hitrates_as_tensor: Option<Arc<Tensor>>,
    /// Whether the answer for NaN is yes.
    nodes_missing_value_tracks_true: Vec<i64> = vec![],
    /// How each node compares, e.g. `BRANCH_LEQ`, or `LEAF`.
    nodes_modes: Vec<String> = vec![],
    /// Number of each node in its tree.
    nodes_nodeids: Vec<i64> = vec![],
    /// Tree of each node.
    nodes_treeids: Vec<i64> = vec![],
    /// Number in its tree of the next node where the answer is yes.
    nodes_truenodeids: Vec<i64> = vec![],
    /// What each node compares with.
    nodes_values: Vec<f32> = vec![],
    /// The same, of any type.
    nodes_values_as_tensor: Option<Arc<Tensor>>,
    /// Transformation of the scores.
    post_transform: String = "NONE".into(),
});

pub struct TreeEnsembleClassifier;

/// How two classes are told apart by weights of one.
#[derive(Clone, Copy, PartialEq)]
struct Binary {
    /// Whether the weights are those of class 0, so that their sum has to be made the score of class 1.
    moved: bool,
    /// Whether no weight is negative: then the sum is a probability.
    positive: bool,
}

/// What the attributes say, checked.
struct Model {
    trees: Trees,
    labels: Labels,
    base: Vec<f64>,
    post: Post,
    binary: Option<Binary>,
}

impl Model {
    fn read(c: &Ctx) -> Result<Self> {
        let a = TreeEnsembleClassifierAttrs::read(c.attrs)?;
        let labels = Labels::of(&a.classlabels_int64s, &a.classlabels_strings)?;
        let (n, post) = (labels.count(), Post::named(&a.post_transform)?);
        ensure!(n > 1, "there is one class, expected two or more");
        let weights = numbers(&a.class_weights, &a.class_weights_as_tensor, "class_weights")?;
        let same = [&a.class_ids, &a.class_nodeids, &a.class_treeids].iter().all(|l| l.len() == weights.len());
        ensure!(
            same && !weights.is_empty(),
            "attributes class_ids, class_nodeids, class_treeids and class_weights are of different lengths or empty, expected one length"
        );
        let one = n == 2 && a.class_ids.iter().all(|c| *c == a.class_ids[0]);
        let positive = weights.iter().all(|w| *w >= 0.0);
        let binary = one.then_some(Binary { moved: a.class_ids[0] == 0, positive });
        ensure!(binary.is_none() || post != Post::Probit, "PROBIT of two classes with weights of one is not supported");
        let mut base = numbers(&a.base_values, &a.base_values_as_tensor, "base_values")?;
        if base.len() == 1 && binary.is_some() {
            base = vec![base[0]; 2];
        }
        if base.is_empty() {
            base = vec![0.0; n];
        }
        ensure!(
            base.len() == n,
            "attribute base_values has {} numbers, expected one for each of {n} classes",
            base.len()
        );
        let weight = |(i, w): (usize, f64)| (a.class_treeids[i], a.class_nodeids[i], a.class_ids[i], w);
        let listed = Listed {
            splits: numbers(&a.nodes_values, &a.nodes_values_as_tensor, "nodes_values")?,
            weights: weights.into_iter().enumerate().map(weight).collect(),
            trees: a.nodes_treeids,
            ids: a.nodes_nodeids,
            features: a.nodes_featureids,
            modes: a.nodes_modes,
            yes: a.nodes_truenodeids,
            no: a.nodes_falsenodeids,
            missing: a.nodes_missing_value_tracks_true,
        };
        Ok(Model { trees: listed.trees(n, Aggregate::Sum)?, labels, base, post, binary })
    }

    /// The class of a row and its scores, from what the trees give.
    fn row(&self, sums: &[f64]) -> (usize, Vec<f64>) {
        let Some(b) = self.binary else {
            let all: Vec<f64> = sums.iter().zip(&self.base).map(|(s, b)| s + b).collect();
            return (largest(&all), self.post.row(&all));
        };
        let s = sums[usize::from(!b.moved)] + self.base[1];
        let class = usize::from(s > b.threshold());
        if !b.moved {
            return (class, self.post.row(&[self.base[0], s]));
        }
        let other = if b.positive { 1.0 - s } else { -s };
        let scores = if self.post == Post::Logistic { self.post.row(&[-s, s]) } else { vec![other, s] };
        (class, scores)
    }

    /// The same of all rows in a graph.
    fn apply(&self, e: &mut Expansion, sums: Value) -> Result<[Value; 2]> {
        let base = e.constant(Tensor::floats(DType::F32, &[self.base.len()], &self.base));
        let Some(b) = self.binary else {
            let all = e.op("Add", &[sums, base])?;
            let class = e.with("ArgMax", Attrs::new().with("axis", 1i64).with("keepdims", 0i64), &[all])?;
            return Ok([class, self.post.apply(e, all)?]);
        };
        let column = e.ints(&[i64::from(!b.moved)]);
        let s = e.with("Gather", Attrs::new().with("axis", 1i64), &[sums, column])?;
        let (own, limit, axis) =
            (e.scalar(DType::F32, self.base[1]), e.scalar(DType::F32, b.threshold()), e.ints(&[1]));
        let s = e.op("Add", &[s, own])?;
        let above = e.op("Greater", &[s, limit])?;
        let above = e.op("Squeeze", &[above, axis])?;
        let class = e.cast(above, DType::I64)?;
        let one = e.scalar(DType::F32, 1.0);
        let other = match (b.moved, b.positive && self.post != Post::Logistic) {
            (false, _) => {
                let (zero, first) = (e.scalar(DType::F32, 0.0), e.scalar(DType::F32, self.base[0]));
                let none = e.op("Mul", &[s, zero])?;
                e.op("Add", &[none, first])?
            }
            (true, true) => e.op("Sub", &[one, s])?,
            (true, false) => e.op("Neg", &[s])?,
        };
        let scores = e.with("Concat", Attrs::new().with("axis", 1i64), &[other, s])?;
        let plain = b.moved && self.post != Post::Logistic;
        Ok([class, if plain { scores } else { self.post.apply(e, scores)? }])
    }
}

impl Binary {
    fn threshold(self) -> f64 {
        if self.positive { 0.5 } else { 0.0 }
    }
}

impl Op for TreeEnsembleClassifier {
    fn name(&self) -> &'static str {
        "TreeEnsembleClassifier"
    }
    fn domain(&self) -> &'static str {
        "ai.onnx.ml"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        TreeEnsembleClassifierAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn results(&self) -> Arity {
        Arity::range(1, 2)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|_| false)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (x, m) = (need(x, 0, "X")?, Model::read(c)?);
        m.trees.check(matrix(x)?)?;
        let mut y = m.labels.infer(&x.shape[0], m.labels.count());
        y.truncate(c.outputs);
        Ok(y)
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (x, m) = (need(x, 0, "X")?, Model::read(c)?);
        m.trees.check(Some(x.shape()[1] as i64))?;
        let (classes, scores): (Vec<usize>, Vec<Vec<f64>>) = m.trees.eval(x).iter().map(|r| m.row(r)).unzip();
        let mut y = vec![m.labels.pick(&classes), rows(DType::F32, scores, m.labels.count())];
        y.truncate(c.outputs);
        Ok(y)
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], _: &[Fact]) -> Result<Lowering> {
        let m = Model::read(c)?;
        let mut e = Expansion::of(x);
        let v = e.x(0)?;
        let dtype = if e.fact(v).dtype == DType::F64 { DType::F64 } else { DType::F32 };
        let v = e.cast(v, dtype)?;
        let sums = m.trees.apply(&mut e, v, dtype)?;
        let sums = e.cast(sums, DType::F32)?;
        let [class, scores] = m.apply(&mut e, sums)?;
        let label = m.labels.gather(&mut e, class)?;
        Ok(e.done(&[label, scores][..c.outputs]))
    }
    fn samples(&self) -> Vec<Sample> {
        let x = Tensor::f32(&[4, 2], &[1.2, 3.4, -0.12, 1.66, 4.14, f32::NAN, f32::NAN, 2.0]);
        let ids = |ids: &[i64]| {
            sample(Attrs::new())
                .with("class_treeids", vec![0i64, 0, 1, 1])
                .with("class_nodeids", vec![1i64, 2, 1, 2])
                .with("class_ids", ids)
        };
        let ints = |a: Attrs, n: i64| a.with("classlabels_int64s", (0..n).map(|k| 10 * k).collect::<Vec<i64>>());
        let (mixed, positive) = (vec![0.5f32, -1.5, 2.0, 0.25], vec![0.5f32, 0.25, 0.125, 0.5]);
        let tensor = |v: &[f64]| Tensor::floats(DType::F64, &[v.len()], v);
        let doubles = without(ints(ids(&[0, 1, 2, 1]), 3), "nodes_values")
            .with("nodes_values_as_tensor", tensor(&[1.2, 0.0, 0.0, 2.0, 0.0, 0.0]))
            .with("class_weights_as_tensor", tensor(&[0.5, -1.5, 2.0, 0.25]))
            .with("base_values_as_tensor", tensor(&[0.5, 0.25, 1.0]))
            .with("nodes_hitrates_as_tensor", tensor(&[1.0; 6]));
        let names = vec!["no".to_string(), "yes".to_string()];
        let s = |a: Attrs| Sample { outputs: 2, ..Sample::new(a, vec![x.clone()]) };
        vec![
            s(ints(ids(&[0, 1, 2, 1]), 3).with("class_weights", mixed.clone()).with("post_transform", "SOFTMAX")),
            s(ints(ids(&[0, 1, 0, 1]), 2).with("class_weights", mixed.clone()).with("post_transform", "SOFTMAX_ZERO")),
            s(ints(ids(&[0; 4]), 2).with("class_weights", mixed.clone()).with("post_transform", "LOGISTIC")),
            s(ints(ids(&[0; 4]), 2).with("class_weights", mixed.clone())),
            s(ints(ids(&[0; 4]), 2).with("class_weights", positive.clone()).with("base_values", vec![0.125f32])),
            s(ints(ids(&[1; 4]), 2).with("class_weights", positive.clone()).with("post_transform", "SOFTMAX")),
            Sample { outputs: 2, ..Sample::new(doubles, vec![x.cast(DType::F64)]) },
            s(ids(&[0, 1, 0, 1]).with("classlabels_strings", names).with("class_weights", positive)),
        ]
    }
}
