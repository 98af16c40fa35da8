//! `TreeEnsembleRegressor`: the weights of the leaves that a row comes to, aggregated over trees, and base values.
//! <https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleRegressor.html>

use super::common::expansion::Expansion;
use super::common::scores::Post;
use super::common::trees::{AGGREGATES, Listed, Trees, matrix, natural, numbers, rows};
use crate::lower::Lowering;
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Op, Result, Sample, Tensor, attrs, bail, ensure};
use std::sync::Arc;

attrs!(TreeEnsembleRegressorAttrs {
    /// `AVERAGE`, `SUM`, `MIN` or `MAX`.
    aggregate_function: String = "SUM".into(),
    /// Added to the results: one for each target, or one for all.
    base_values: Vec<f32> = vec![],
    /// The same, of any type.
    base_values_as_tensor: Option<Arc<Tensor>>,
    /// Number of targets.
    n_targets: i64 = 1,
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
    /// Transformation of the results.
    post_transform: String = "NONE".into(),
    /// Target of each weight.
    target_ids: Vec<i64> = vec![],
    /// Node of each weight.
    target_nodeids: Vec<i64> = vec![],
    /// Tree of each weight.
    target_treeids: Vec<i64> = vec![],
    /// The weights.
    target_weights: Vec<f32> = vec![],
    /// The same, of any type.
    target_weights_as_tensor: Option<Arc<Tensor>>,
});

pub struct TreeEnsembleRegressor;

/// The trees, what is added for each target, and the transformation.
fn read(c: &Ctx) -> Result<(Trees, Vec<f64>, Post)> {
    let a = TreeEnsembleRegressorAttrs::read(c.attrs)?;
    let weights = numbers(&a.target_weights, &a.target_weights_as_tensor, "target_weights")?;
    let n = weights.len();
    let same = [&a.target_ids, &a.target_nodeids, &a.target_treeids].iter().all(|l| l.len() == n);
    ensure!(
        same,
        "attributes target_ids, target_nodeids, target_treeids and target_weights are of different lengths, expected one length"
    );
    let weight = |(i, w): (usize, f64)| (a.target_treeids[i], a.target_nodeids[i], a.target_ids[i], w);
    let weights = weights.into_iter().enumerate().map(weight).collect();
    let targets = natural(a.n_targets, "n_targets")?;
    let base = match numbers(&a.base_values, &a.base_values_as_tensor, "base_values")? {
        v if v.is_empty() => vec![0.0; targets],
        v if v.len() == 1 => vec![v[0]; targets],
        v if v.len() == targets => v,
        v => bail!("attribute base_values has {} numbers, expected one for each of {targets} targets", v.len()),
    };
    let Some((aggregate, _)) = AGGREGATES.iter().find(|f| f.1 == a.aggregate_function) else {
        bail!("aggregate_function is {:?}, expected AVERAGE, SUM, MIN or MAX", a.aggregate_function)
    };
    let listed = Listed {
        splits: numbers(&a.nodes_values, &a.nodes_values_as_tensor, "nodes_values")?,
        trees: a.nodes_treeids,
        ids: a.nodes_nodeids,
        features: a.nodes_featureids,
        modes: a.nodes_modes,
        yes: a.nodes_truenodeids,
        no: a.nodes_falsenodeids,
        missing: a.nodes_missing_value_tracks_true,
        weights,
    };
    Ok((listed.trees(targets, *aggregate)?, base, Post::named(&a.post_transform)?))
}

impl Op for TreeEnsembleRegressor {
    fn name(&self) -> &'static str {
        "TreeEnsembleRegressor"
    }
    fn domain(&self) -> &'static str {
        "ai.onnx.ml"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        TreeEnsembleRegressorAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (x, (trees, ..)) = (need(x, 0, "X")?, read(c)?);
        trees.check(matrix(x)?)?;
        Ok(vec![Fact::new(DType::F32, [x.shape[0].clone(), Dim::from(trees.targets)])])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (x, (trees, base, post)) = (need(x, 0, "X")?, read(c)?);
        trees.check(Some(x.shape()[1] as i64))?;
        let one = |r: Vec<f64>| post.row(&r.iter().zip(&base).map(|(v, b)| v + b).collect::<Vec<_>>());
        let scores = trees.eval(x).into_iter().map(one).collect();
        Ok(vec![rows(DType::F32, scores, trees.targets)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], _: &[Fact]) -> Result<Lowering> {
        let (trees, base, post) = read(c)?;
        let mut e = Expansion::of(x);
        let v = e.x(0)?;
        let dtype = if e.fact(v).dtype == DType::F64 { DType::F64 } else { DType::F32 };
        let v = e.cast(v, dtype)?;
        let mut y = trees.apply(&mut e, v, dtype)?;
        if base.iter().any(|b| *b != 0.0) {
            let base = e.constant(Tensor::floats(dtype, &[base.len()], &base));
            y = e.op("Add", &[y, base])?;
        }
        y = e.cast(y, DType::F32)?;
        y = post.apply(&mut e, y)?;
        Ok(e.done(&[y]))
    }
    fn samples(&self) -> Vec<Sample> {
        let x = Tensor::f32(&[4, 2], &[1.2, 3.4, -0.12, 1.66, 4.14, f32::NAN, f32::NAN, 2.0]);
        let a = |how: &str| sample(Attrs::new()).with("aggregate_function", how);
        let weights = |a: Attrs| {
            a.with("target_treeids", vec![0i64, 0, 1, 1, 1])
                .with("target_nodeids", vec![1i64, 2, 1, 2, 2])
                .with("target_ids", vec![0i64, 1, 0, 1, 0])
        };
        let plain = |a: Attrs| weights(a).with("target_weights", vec![0.5f32, -1.5, 2.0, 4.0, 8.0]);
        let tensor = |v: &[f64]| Tensor::floats(DType::F64, &[v.len()], v);
        let doubles = weights(sample(Attrs::new()))
            .with("target_weights_as_tensor", tensor(&[0.5, -1.5, 2.0, 4.0, 8.0]))
            .with("base_values_as_tensor", tensor(&[0.25, 1.0]))
            .with("nodes_hitrates_as_tensor", tensor(&[1.0; 6]))
            .with("n_targets", 2i64);
        let doubles =
            without(doubles, "nodes_values").with("nodes_values_as_tensor", tensor(&[1.2, 0.0, 0.0, 2.0, 0.0, 0.0]));
        vec![
            Sample::new(plain(a("SUM")).with("n_targets", 2i64), vec![x.clone()]),
            Sample::new(plain(a("MIN")).with("n_targets", 3i64), vec![x.clone()]),
            Sample::new(plain(a("MAX")).with("n_targets", 2i64).with("post_transform", "LOGISTIC"), vec![x.clone()]),
            Sample::new(plain(a("AVERAGE")).with("n_targets", 2i64).with("base_values", vec![0.5f32]), vec![x.clone()]),
            Sample::new(doubles, vec![x.cast(DType::F64)]),
            Sample::new(plain(a("SUM")).with("n_targets", 2i64), vec![Tensor::i64(&[2, 2], &[1, 2, 3, 0])]),
        ]
    }
}

/// Two trees of one question each, for samples of both operators on listed nodes.
pub(super) fn sample(a: Attrs) -> Attrs {
    let modes = ["BRANCH_LEQ", "LEAF", "LEAF", "BRANCH_GT", "LEAF", "LEAF"].map(String::from).to_vec();
    a.with("nodes_treeids", vec![0i64, 0, 0, 1, 1, 1])
        .with("nodes_nodeids", vec![0i64, 1, 2, 0, 1, 2])
        .with("nodes_featureids", vec![0i64, 0, 0, 1, 0, 0])
        .with("nodes_modes", modes)
        .with("nodes_values", vec![1.2f32, 0.0, 0.0, 2.0, 0.0, 0.0])
        .with("nodes_truenodeids", vec![1i64, 0, 0, 1, 0, 0])
        .with("nodes_falsenodeids", vec![2i64, 0, 0, 2, 0, 0])
        .with("nodes_missing_value_tracks_true", vec![1i64, 0, 0, 0, 0, 0])
        .with("nodes_hitrates", vec![1.0f32; 6])
}

/// The attributes but one.
pub(super) fn without(mut a: Attrs, name: &str) -> Attrs {
    a.remove(name);
    a
}
