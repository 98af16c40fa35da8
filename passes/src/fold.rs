//! Evaluates what is known when compiling.

mod shape;

use crate::{Report, subgraph};
use dlc_ir::{Fact, Graph, NodeId, OpRef, Result, Tensor, Value, interp};

/// A result larger than this is not stored in the artifact...
const LARGEST: usize = 64 << 20;
/// ...nor one larger than this many times its operands, and this much more: `ConstantOfShape`, `Expand`, `Range`.
const GROWTH: usize = 4;
const SLACK: usize = 1 << 20;
/// Most bytes that all results with more elements than their operands have more than these: many small steps are large.
const ROOM: usize = 8 << 20;

/// Operators whose results are not decided by their operands.
const RANDOM: &[&str] =
    &["Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"];

/// Replaces by constants every operator whose results are known: because inference gives the value, as for sizes, or
/// because all operands are constants. Facts are inferred anew on the way, so that what is known spreads.
pub fn fold(g: &mut Graph) -> Result<Report> {
    fold_within(g, &mut Room::default())
}

/// Bytes that are left of [`ROOM`].
pub(crate) struct Room(usize);

impl Default for Room {
    fn default() -> Self {
        Room(ROOM)
    }
}

/// [`fold`], several times within one room.
pub(crate) fn fold_within(g: &mut Graph, room: &mut Room) -> Result<Report> {
    let mut report = subgraph::each(g, |body| fold_within(body, room))?;
    for id in g.topo()? {
        let Some((op, _)) = g.node(id).op() else { continue };
        g.infer_node(id)?;
        if let Some(results) = results(g, id, op, room) {
            replace(g, id, results);
            report.changed += 1;
        } else {
            report.changed += shape::simplify(g, id)? as usize;
        }
    }
    Ok(report)
}

/// All results of a node as constants, if they are known and small enough.
fn results(g: &Graph, id: NodeId, op: OpRef, room: &mut Room) -> Option<Vec<Tensor>> {
    if is_random(g, id) {
        return None;
    }
    let node = g.node(id);
    if !node.outputs.iter().all(|f| f.form.is_dense()) {
        return None;
    }
    let known: Option<Vec<Tensor>> = node.outputs.iter().map(|f| f.constant().cloned()).collect();
    if known.is_some() {
        return known;
    }
    let operands = g.operands(id);
    let x: Vec<Option<&Tensor>> = operands.iter().map(|v| v.and_then(|v| g.constant(v))).collect();
    let constant = operands.iter().zip(&x).all(|(v, t)| v.is_some() == t.is_some());
    let limit = limit(&x);
    if !constant || node.outputs.iter().any(|f| bytes(f).is_some_and(|b| b > limit)) {
        return None;
    }
    let grown = grown(&x, &node.outputs);
    if grown > room.0 {
        return None;
    }
    let (_, ctx) = node.ctx()?;
    // An error here is one of the model when it runs, and only if it gets there.
    let y = interp::known(op, &ctx, &x).ok()??;
    room.0 -= grown;
    (y.iter().all(|t| t.bytes().len() <= limit) && y.len() == node.outputs.len()).then_some(y)
}

pub(crate) fn is_random(g: &Graph, id: NodeId) -> bool {
    let node = g.node(id);
    let body_is_random = |body: &Graph| body.nodes().any(|id| is_random(body, id));
    let named = node.op().is_some_and(|(op, _)| RANDOM.contains(&op.name()));
    named || dlc_ir::verify::subgraphs(node).any(body_is_random)
}

fn limit(x: &[Option<&Tensor>]) -> usize {
    let operands: usize = x.iter().flatten().map(|t| t.bytes().len()).sum();
    LARGEST.min(GROWTH.saturating_mul(operands).saturating_add(SLACK))
}

/// Bytes of the elements that the results have more than the operands; the same operand twice counts once.
fn grown(x: &[Option<&Tensor>], y: &[Fact]) -> usize {
    let mut seen: Vec<*const u8> = vec![];
    let mut elements = 0;
    for t in x.iter().flatten().filter(|t| !t.is_empty()) {
        if !seen.contains(&t.bytes().as_ptr()) {
            seen.push(t.bytes().as_ptr());
            elements += t.len();
        }
    }
    let of = |f: &Fact| bytes(f).unwrap_or(0).saturating_sub(elements.saturating_mul(f.dtype.size()));
    y.iter().map(of).fold(0, usize::saturating_add)
}

fn bytes(f: &Fact) -> Option<usize> {
    f.const_shape()?.iter().try_fold(f.dtype.size(), |p, d| p.checked_mul(*d)).or(Some(usize::MAX))
}

fn replace(g: &mut Graph, id: NodeId, results: Vec<Tensor>) {
    let name = g.node(id).name.clone();
    if let [t] = &results[..] {
        let quant = g.node(id).outputs[0].quant.clone();
        g.make_const(id, t.clone());
        g.node_mut(id).outputs[0].quant = quant;
        return;
    }
    for (port, t) in results.into_iter().enumerate() {
        let old = Value { node: id, port: port as u32 };
        if !g.users(old).is_empty() || g.is_output(old) {
            let new = g.add_const(&g.fresh_name(&format!("{name}.{port}")), t);
            g.replace(old, new);
        }
    }
}
