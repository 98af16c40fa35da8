//! Decision trees: what the operators of tree ensembles share.

use super::expansion::Expansion;
use crate::{Attrs, DType, Fact, Num, Result, Tensor, Value, bail, ensure};
use std::collections::HashMap;

/// How a node compares its feature with its split. The numbers are those of `TreeEnsemble`'s `nodes_modes`, without
/// membership, which is a chain of `Eq`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Mode {
    Leq,
    Lt,
    Gte,
    Gt,
    Eq,
    Neq,
    Leaf,
}

/// All modes, in the order of their numbers, with their names in `TreeEnsembleClassifier`.
pub const MODES: [(Mode, &str); 7] = [
    (Mode::Leq, "BRANCH_LEQ"),
    (Mode::Lt, "BRANCH_LT"),
    (Mode::Gte, "BRANCH_GTE"),
    (Mode::Gt, "BRANCH_GT"),
    (Mode::Eq, "BRANCH_EQ"),
    (Mode::Neq, "BRANCH_NEQ"),
    (Mode::Leaf, "LEAF"),
];

/// How the weights that trees give to one target become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Aggregate {
    Average,
    Sum,
    Min,
    Max,
}

/// Names of the ways to aggregate, in the order of `TreeEnsemble`'s numbers.
pub const AGGREGATES: [(Aggregate, &str); 4] =
    [(Aggregate::Average, "AVERAGE"), (Aggregate::Sum, "SUM"), (Aggregate::Min, "MIN"), (Aggregate::Max, "MAX")];

/// A node: a question, or a leaf that gives weights `yes..no`.
#[derive(Clone, Debug)]
pub struct Node {
    /// Column of the operand.
    pub feature: usize,
    /// How it is compared.
    pub mode: Mode,
    /// With what.
    pub split: f64,
    /// Node where the answer is yes; of a leaf the first of its weights.
    pub yes: usize,
    /// Node where the answer is no; of a leaf one past its last weight.
    pub no: usize,
    /// Whether the answer for NaN is yes.
    pub missing: bool,
}

/// Trees over shared nodes.
#[derive(Clone, Debug)]
pub struct Trees {
    /// The first node of each tree.
    pub roots: Vec<usize>,
    /// All nodes.
    pub nodes: Vec<Node>,
    /// Weights of leaves: target and weight.
    pub weights: Vec<(usize, f64)>,
    /// Number of targets.
    pub targets: usize,
    /// What becomes of the weights of a target.
    pub aggregate: Aggregate,
}

impl Trees {
    /// Refuses what is no set of trees over `features` columns (where known): numbers of nodes and targets that do not
    /// exist, and walks that do not end.
    pub fn check(&self, features: Option<i64>) -> Result<()> {
        let n = self.nodes.len();
        ensure!(!self.roots.is_empty(), "attribute tree_roots is empty, expected a tree");
        ensure!(
            self.roots.iter().all(|r| *r < n),
            "operand or attribute of roots names a node that is not there, expected the number of one"
        );
        for (i, node) in self.nodes.iter().enumerate() {
            let (end, what) = if node.mode == Mode::Leaf { (self.weights.len() + 1, "weights") } else { (n, "nodes") };
            ensure!(
                node.yes < end && node.no < end,
                "operands or attributes send node {i} to {what} that are not there, expected numbers of some"
            );
            let known = node.mode == Mode::Leaf || features.is_none_or(|f| (node.feature as i64) < f);
            ensure!(
                known,
                "attribute nodes_featureids: node {i} asks for feature {}, expected a number below {}",
                node.feature,
                features.unwrap_or(0)
            );
        }
        let target = self.weights.iter().map(|w| w.0).max().unwrap_or(0);
        ensure!(
            target < self.targets,
            "attributes: a leaf has target {target}, expected a number below {}",
            self.targets
        );
        self.ends()
    }

    /// Refuses a walk that comes back to where it was.
    fn ends(&self) -> Result<()> {
        let mut state = vec![0u8; self.nodes.len()];
        for root in &self.roots {
            let mut stack = vec![(*root, false)];
            while let Some((i, left)) = stack.pop() {
                if left {
                    state[i] = 2;
                } else if state[i] == 1 {
                    bail!("operands or attributes lead node {i} back to itself, expected an end");
                } else if state[i] == 0 {
                    state[i] = 1;
                    stack.push((i, true));
                    let node = &self.nodes[i];
                    let next: &[usize] = if node.mode == Mode::Leaf { &[] } else { &[node.yes, node.no] };
                    for k in next {
                        ensure!(state[*k] != 1, "operands or attributes lead node {k} back to itself, expected an end");
                        stack.push((*k, false));
                    }
                }
            }
        }
        Ok(())
    }

    /// The leaf that a row comes to.
    fn leaf(&self, root: usize, row: &[f64]) -> &Node {
        let mut node = &self.nodes[root];
        while node.mode != Mode::Leaf {
            let (x, s) = (row[node.feature], node.split);
            let yes = match node.mode {
                Mode::Leq => x <= s,
                Mode::Lt => x < s,
                Mode::Gte => x >= s,
                Mode::Gt => x > s,
                Mode::Eq => x == s,
                Mode::Neq => x != s,
                Mode::Leaf => false,
            };
            node = &self.nodes[if yes || (x.is_nan() && node.missing) { node.yes } else { node.no }];
        }
        node
    }

    /// What the trees give for one row, and for which targets there was a weight.
    pub fn row(&self, row: &[f64]) -> Vec<f64> {
        let start = match self.aggregate {
            Aggregate::Min => f64::INFINITY,
            Aggregate::Max => f64::NEG_INFINITY,
            _ => 0.0,
        };
        let (mut out, mut given) = (vec![start; self.targets], vec![false; self.targets]);
        for root in &self.roots {
            let leaf = self.leaf(*root, row);
            for (target, w) in self.weights.get(leaf.yes..leaf.no).unwrap_or(&[]) {
                given[*target] = true;
                out[*target] = match self.aggregate {
                    Aggregate::Min => out[*target].min(*w),
                    Aggregate::Max => out[*target].max(*w),
                    _ => out[*target] + w,
                };
            }
        }
        let share = if self.aggregate == Aggregate::Average { self.roots.len() as f64 } else { 1.0 };
        out.iter().zip(given).map(|(v, given)| if given { v / share } else { 0.0 }).collect()
    }

    /// The same for every row of a matrix.
    pub fn eval(&self, x: &Tensor) -> Vec<Vec<f64>> {
        let columns = x.shape().last().copied().unwrap_or(0).max(1);
        x.to_f64().chunks(columns).map(|row| self.row(row)).collect()
    }

    /// Adds the walk to a graph: from X of type `dtype` to what the trees give, of that type.
    pub fn apply(&self, e: &mut Expansion, x: Value, dtype: DType) -> Result<Value> {
        let ints = |f: &dyn Fn(&Node) -> usize| -> Tensor {
            Tensor::i64(&[self.nodes.len()], &self.nodes.iter().map(|n| f(n) as i64).collect::<Vec<_>>())
        };
        let floats = |v: Vec<f64>| Tensor::floats(dtype, &[v.len()], &v);
        let parts = [
            Tensor::i64(&[self.roots.len()], &self.roots.iter().map(|r| *r as i64).collect::<Vec<_>>()),
            ints(&|n| n.feature),
            ints(&|n| n.mode as usize),
            floats(self.nodes.iter().map(|n| n.split).collect()),
            ints(&|n| n.yes),
            ints(&|n| n.no),
            ints(&|n| n.missing as usize),
            Tensor::i64(&[self.weights.len()], &self.weights.iter().map(|w| w.0 as i64).collect::<Vec<_>>()),
            floats(self.weights.iter().map(|w| w.1).collect()),
        ];
        let mut operands = vec![x];
        operands.extend(parts.into_iter().map(|t| e.constant(t)));
        let aggregate = self.aggregate as i64;
        let attrs = Attrs::new().with("targets", self.targets).with("aggregate", aggregate);
        e.with("dlc.Trees", attrs, &operands)
    }
}

/// Nodes as `TreeEnsembleClassifier` and `TreeEnsembleRegressor` list them, every list as long as the first.
pub struct Listed {
    /// Tree of each node.
    pub trees: Vec<i64>,
    /// Number of each node in its tree.
    pub ids: Vec<i64>,
    /// Column of the operand.
    pub features: Vec<i64>,
    /// Names of the modes.
    pub modes: Vec<String>,
    /// Splits.
    pub splits: Vec<f64>,
    /// Number of the next node in the tree where the answer is yes.
    pub yes: Vec<i64>,
    /// Number of the next node in the tree where the answer is no.
    pub no: Vec<i64>,
    /// Whether the answer for NaN is yes; may be empty.
    pub missing: Vec<i64>,
    /// Weights: tree, node, target, weight.
    pub weights: Vec<(i64, i64, i64, f64)>,
}

impl Listed {
    /// The trees; a tree begins at the first of its nodes.
    pub fn trees(&self, targets: usize, aggregate: Aggregate) -> Result<Trees> {
        let n = self.ids.len();
        let lengths = [self.trees.len(), self.features.len(), self.modes.len(), self.splits.len(), self.yes.len()];
        let same = lengths.iter().all(|l| *l == n) && self.no.len() == n;
        ensure!(
            same && (self.missing.is_empty() || self.missing.len() == n),
            "attributes nodes_* are lists of different lengths, expected one length"
        );
        let (mut at, mut roots, mut begun) = (HashMap::new(), vec![], HashMap::new());
        for (i, key) in self.trees.iter().zip(&self.ids).enumerate() {
            ensure!(
                at.insert(key, i).is_none(),
                "attributes nodes_nodeids and nodes_treeids have node {} of tree {} twice, expected it once",
                key.1,
                key.0
            );
            if begun.insert(key.0, ()).is_none() {
                roots.push(i);
            }
        }
        let mut by_leaf: Vec<Vec<(usize, f64)>> = vec![vec![]; n];
        for (tree, id, target, w) in &self.weights {
            match (at.get(&(tree, id)), usize::try_from(*target)) {
                (Some(i), Ok(target)) => by_leaf[*i].push((target, *w)),
                _ => bail!(
                    "attributes: a weight is of node {id} of tree {tree} and target {target}, expected a leaf and a target that are there"
                ),
            }
        }
        let (mut nodes, mut weights) = (vec![], vec![]);
        for (i, own) in by_leaf.into_iter().enumerate() {
            nodes.push(self.node(i, weights.len(), own.len(), &at)?);
            if nodes[i].mode == Mode::Leaf {
                weights.extend(own);
            }
        }
        Ok(Trees { roots, nodes, weights, targets, aggregate })
    }

    fn node(&self, i: usize, first: usize, own: usize, at: &HashMap<(&i64, &i64), usize>) -> Result<Node> {
        let Some((mode, _)) = MODES.iter().find(|m| m.1 == self.modes[i]) else {
            bail!("operand modes has {:?} for node {i}, expected a mode", self.modes[i])
        };
        let next = |id: &i64| match at.get(&(&self.trees[i], id)) {
            Some(k) => Ok(*k),
            None => {
                bail!("attributes: node {i} goes on to node {id} of tree {}, expected one that is there", self.trees[i])
            }
        };
        let leaf = *mode == Mode::Leaf;
        let (yes, no) = if leaf { (first, first + own) } else { (next(&self.yes[i])?, next(&self.no[i])?) };
        let feature = if leaf { 0 } else { natural(self.features[i], "feature")? };
        let missing = self.missing.get(i).is_some_and(|m| *m != 0);
        Ok(Node { feature, mode: *mode, split: self.splits[i], yes, no, missing })
    }
}

/// A number that counts something.
pub fn natural(v: i64, what: &str) -> Result<usize> {
    match usize::try_from(v) {
        Ok(n) if v < 1 << 40 => Ok(n),
        _ => bail!("attribute: {what} is {v}, expected 0 or more"),
    }
}

/// Refuses an operand that is no matrix; gives its number of columns.
pub fn matrix(x: &Fact) -> Result<Option<i64>> {
    ensure!(x.rank() == 2, "operand X is {x}, expected [N,features]");
    Ok(x.shape[1].as_const())
}

/// The values of a list of f32, or of a tensor that takes its place.
pub fn numbers(list: &[f32], tensor: &Option<std::sync::Arc<Tensor>>, what: &str) -> Result<Vec<f64>> {
    match tensor {
        Some(_) if !list.is_empty() => {
            bail!("attribute {what} is given as floats and as a tensor, expected one of them")
        }
        Some(t) => Ok(t.to_f64()),
        None => Ok(list.iter().map(|v| *v as f64).collect()),
    }
}

/// A matrix from rows.
pub fn rows(dtype: DType, rows: Vec<Vec<f64>>, width: usize) -> Tensor {
    Tensor::new(dtype, &[rows.len(), width], rows.into_iter().flatten().map(Num::F))
}
