//! `TreeEnsemble`: the weights of the leaves that a row comes to, aggregated over trees.
//! <https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsemble.html>

use super::common::expansion::Expansion;
use super::common::scores::{POSTS, Post};
use super::common::trees::{AGGREGATES, MODES, Mode, Node, Trees, matrix, natural, rows};
use crate::lower::Lowering;
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Op, Result, Sample, Tensor, attrs, bail, ensure};
use std::sync::Arc;

attrs!(TreeEnsembleAttrs {
    /// 0 average, 1 sum, 2 minimum, 3 maximum.
    aggregate_function: i64 = 1,
    /// Target of each leaf.
    leaf_targetids: Vec<i64>,
    /// Weight of each leaf.
    leaf_weights: Arc<Tensor>,
    /// Members of the sets that nodes ask for, in the order of these nodes, each set ended by NaN.
    membership_values: Option<Arc<Tensor>>,
    /// Number of targets.
    n_targets: i64 = 1,
    /// Next node, or leaf, where the answer is no.
    nodes_falsenodeids: Vec<i64>,
    /// Whether the next where the answer is no is a leaf.
    nodes_falseleafs: Vec<i64>,
    /// Column that each node asks for.
    nodes_featureids: Vec<i64>,
    /// How often each node is met; not used.
    nodes_hitrates: Option<Arc<Tensor>>,
    /// Whether the answer for NaN is yes.
    nodes_missing_value_tracks_true: Vec<i64> = vec![],
    /// How each node compares: 0 <=, 1 <, 2 >=, 3 >, 4 ==, 5 !=, 6 is a member of a set.
    nodes_modes: Arc<Tensor>,
    /// What each node compares with.
    nodes_splits: Arc<Tensor>,
    /// Next node, or leaf, where the answer is yes.
    nodes_truenodeids: Vec<i64>,
    /// Whether the next where the answer is yes is a leaf.
    nodes_trueleafs: Vec<i64>,
    /// Transformation of the results: 0 none, 1 softmax, 2 logistic, 3 softmax without zeros, 4 probit.
    post_transform: i64 = 0,
    /// First node of each tree.
    tree_roots: Vec<i64>,
});

pub struct TreeEnsemble;

/// Number of `nodes_modes` that asks for a member of a set.
const MEMBER: i64 = 6;

fn pick<T: Copy>(table: &[(T, &str)], k: i64, what: &str) -> Result<T> {
    match usize::try_from(k).ok().and_then(|k| table.get(k)) {
        Some((v, _)) => Ok(*v),
        None => bail!("attribute: {what} is {k}, expected 0 to {}", table.len() - 1),
    }
}

/// The sets, one for each node that asks for a member.
fn sets(a: &TreeEnsembleAttrs) -> Vec<Vec<f64>> {
    let all = a.membership_values.as_ref().map(|t| t.to_f64()).unwrap_or_default();
    let mut out: Vec<Vec<f64>> = all.split(|v| v.is_nan()).map(<[f64]>::to_vec).collect();
    // What comes after the last NaN ends no set, unless the last NaN was left out.
    if out.last().is_some_and(Vec::is_empty) {
        out.pop();
    }
    out
}

/// Builds the nodes: those of the attributes, then the leaves, then links of chains that ask for members one by one.
fn trees(a: &TreeEnsembleAttrs) -> Result<Trees> {
    let (n, leaves) = (a.nodes_featureids.len(), a.leaf_targetids.len());
    let (modes, splits) = (a.nodes_modes.to_i64(), a.nodes_splits.to_f64());
    let lists = [&a.nodes_truenodeids, &a.nodes_falsenodeids, &a.nodes_trueleafs, &a.nodes_falseleafs];
    let same = modes.len() == n && splits.len() == n && lists.iter().all(|l| l.len() == n);
    let missing = &a.nodes_missing_value_tracks_true;
    ensure!(
        same && (missing.is_empty() || missing.len() == n),
        "attributes nodes_* are lists of different lengths, expected one length"
    );
    let weights = a.leaf_weights.to_f64();
    ensure!(
        weights.len() == leaves,
        "attribute leaf_weights has {} numbers, expected one for each of {leaves} leaves",
        weights.len()
    );
    let next = |id: i64, leaf: i64| -> Result<usize> {
        let (id, end) = (natural(id, "a node")?, if leaf == 0 { n } else { leaves });
        ensure!(id < end, "node {id} is not there");
        Ok(if leaf == 0 { id } else { n + id })
    };
    let mut nodes = vec![];
    for i in 0..n {
        let mode = if modes[i] == MEMBER { Mode::Eq } else { pick(&MODES[..6], modes[i], "a mode")? };
        nodes.push(Node {
            feature: natural(a.nodes_featureids[i], "a feature")?,
            mode,
            split: splits[i],
            yes: next(a.nodes_truenodeids[i], a.nodes_trueleafs[i])?,
            no: next(a.nodes_falsenodeids[i], a.nodes_falseleafs[i])?,
            missing: missing.get(i).is_some_and(|m| *m != 0),
        });
    }
    let leaf = |i| Node { feature: 0, mode: Mode::Leaf, split: 0.0, yes: i, no: i + 1, missing: false };
    nodes.extend((0..leaves).map(leaf));
    chains(&mut nodes, &modes, sets(a))?;
    let target = |t: &i64| natural(*t, "a target");
    let targets: Vec<usize> = a.leaf_targetids.iter().map(target).collect::<Result<_>>()?;
    Ok(Trees {
        roots: a.tree_roots.iter().map(|r| natural(*r, "a root")).collect::<Result<_>>()?,
        nodes,
        weights: targets.into_iter().zip(weights).collect(),
        targets: natural(a.n_targets, "n_targets")?,
        aggregate: pick(&AGGREGATES, a.aggregate_function, "aggregate_function")?,
    })
}

/// Turns nodes that ask for a member of a set into chains that ask for one member after the other.
fn chains(nodes: &mut Vec<Node>, modes: &[i64], sets: Vec<Vec<f64>>) -> Result<()> {
    let askers: Vec<usize> = (0..modes.len()).filter(|i| modes[*i] == MEMBER).collect();
    ensure!(
        askers.len() == sets.len(),
        "attribute membership_values has {} sets, expected one for each of {} nodes that ask for one",
        sets.len(),
        askers.len()
    );
    for (i, set) in askers.into_iter().zip(sets) {
        let otherwise = nodes[i].no;
        // NaN is equal to nothing: of an empty set there is no member.
        nodes[i].split = set.first().copied().unwrap_or(f64::NAN);
        let mut last = i;
        for v in set.into_iter().skip(1) {
            let link = Node { split: v, no: otherwise, ..nodes[i].clone() };
            nodes[last].no = nodes.len();
            last = nodes.len();
            nodes.push(link);
        }
    }
    Ok(())
}

fn read(c: &Ctx) -> Result<(Trees, Post)> {
    let a = TreeEnsembleAttrs::read(c.attrs)?;
    Ok((trees(&a)?, pick(&POSTS, a.post_transform, "post_transform")?))
}

impl Op for TreeEnsemble {
    fn name(&self) -> &'static str {
        "TreeEnsemble"
    }
    fn domain(&self) -> &'static str {
        "ai.onnx.ml"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        TreeEnsembleAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (x, (trees, _)) = (need(x, 0, "X")?, read(c)?);
        ensure!(x.dtype.is_float(), "operand X is {x}, expected floats");
        trees.check(matrix(x)?)?;
        Ok(vec![Fact::new(x.dtype, [x.shape[0].clone(), Dim::from(trees.targets)])])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (x, (trees, post)) = (need(x, 0, "X")?, read(c)?);
        trees.check(Some(x.shape()[1] as i64))?;
        let scores = trees.eval(x).iter().map(|r| post.row(r)).collect();
        Ok(vec![rows(x.dtype(), scores, trees.targets)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (trees, post) = read(c)?;
        let mut e = Expansion::of(x);
        let v = e.x(0)?;
        let mut y0 = trees.apply(&mut e, v, y[0].dtype)?;
        if post != Post::None {
            y0 = e.cast(y0, DType::F32)?;
            y0 = post.apply(&mut e, y0)?;
            y0 = e.cast(y0, y[0].dtype)?;
        }
        Ok(e.done(&[y0]))
    }
    fn samples(&self) -> Vec<Sample> {
        let x = Tensor::f32(&[4, 2], &[1.2, 3.4, -0.12, 1.66, 4.14, f32::NAN, f32::NAN, 2.0]);
        let f = |v: &[f64]| Tensor::floats(DType::F32, &[v.len()], v);
        let modes = |v: &[f64]| Tensor::floats(DType::U8, &[v.len()], v);
        let tree = |m: &[f64]| {
            Attrs::new()
                .with("n_targets", 2i64)
                .with("tree_roots", vec![0i64, 1])
                .with("nodes_modes", modes(m))
                .with("nodes_featureids", vec![0i64, 1, 0])
                .with("nodes_splits", f(&[1.2, 2.0, 4.0]))
                .with("nodes_truenodeids", vec![2i64, 1, 0])
                .with("nodes_trueleafs", vec![0i64, 1, 1])
                .with("nodes_falsenodeids", vec![2i64, 3, 1])
                .with("nodes_falseleafs", vec![1i64, 1, 1])
                .with("leaf_targetids", vec![0i64, 1, 0, 1])
                .with("leaf_weights", f(&[5.23, 12.12, -12.23, 7.21]))
        };
        let sets = tree(&[6.0, 1.0, 6.0]).with("membership_values", f(&[1.2, 4.14, f64::NAN, 1.2, f64::NAN]));
        let missing = tree(&[2.0, 3.0, 4.0])
            .with("nodes_missing_value_tracks_true", vec![1i64, 1, 0])
            .with("nodes_hitrates", f(&[1.0, 1.0, 1.0]))
            .with("post_transform", 1i64);
        vec![
            Sample::new(tree(&[0.0, 1.0, 5.0]), vec![x.clone()]),
            Sample::new(sets.with("aggregate_function", 3i64), vec![x.clone()]),
            Sample::new(missing, vec![x.clone()]),
            Sample::new(tree(&[0.0, 1.0, 2.0]).with("aggregate_function", 0i64), vec![x]),
        ]
    }
}
