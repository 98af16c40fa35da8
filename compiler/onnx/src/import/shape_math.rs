//! Shape arithmetic on constants, computed while importing: sizes and axes must be known for the shapes of what follows
//! to be inferred, also where they pass through tensors whose values inference does not follow.

use dlc_ir::{Graph, NodeId, Tensor, interp};

/// Most elements of an operand or result.
const LARGEST: usize = 1024;

/// Operators whose results are not decided by their operands.
const RANDOM: &[&str] =
    &["Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"];

/// Results of a node, if its operands are known, small and integers, and its results are small.
pub fn results(g: &Graph, id: NodeId) -> Option<Vec<Tensor>> {
    let node = g.node(id);
    let (op, ctx) = node.ctx()?;
    let small = |n: Option<i64>| n.is_some_and(|n| n <= LARGEST as i64);
    if RANDOM.contains(&op.name()) || !node.outputs.iter().all(|f| f.form.is_dense() && small(f.len().as_const())) {
        return None;
    }
    let operands = g.operands(id);
    let known = |v| g.fact(v).constant().filter(|t| t.len() <= LARGEST && !t.dtype().is_float());
    let x: Vec<Option<&Tensor>> = operands.iter().map(|v| v.and_then(known)).collect();
    let all = !x.is_empty() && operands.iter().zip(&x).all(|(v, t)| v.is_some() == t.is_some());
    all.then(|| interp::known(op, &ctx, &x).ok().flatten()).flatten()
}
