//! Operators that lower to graphs of simpler ones are replaced by them, until none is left.

use dlc_ir::graph::Kind;
use dlc_ir::lower::Lowering;
use dlc_ir::{DType, Error, Graph, NodeId, Result, Tensor, Value, interp};
use std::collections::{BTreeSet, HashMap};

/// Deepest chain of expansions: an operator that expands into itself is a bug, not a hang.
const DEPTH: usize = 16;
/// Most bytes of constants computed at compile time beyond the size of their operands, in all.
const FOLD_BYTES: usize = 16 << 20;

/// Replaces every operator whose lowering is a graph; folds what becomes constant. Gives the number of replacements.
pub fn expand(g: &mut Graph) -> Result<usize> {
    let mut total = 0;
    for _ in 0..DEPTH {
        let n = round(g)?;
        fold(g)?;
        total += n;
        if n == 0 {
            return Ok(total);
        }
    }
    Err(Error::Graph { graph: g.name.clone(), what: format!("an operator still expands after {DEPTH} rounds") })
}

fn round(g: &mut Graph) -> Result<usize> {
    let mut n = 0;
    for id in g.topo()? {
        let Some(Lowering::Expand(inner)) = lowering(g, id)? else { continue };
        inline(g, id, &inner)?;
        n += 1;
    }
    if n > 0 {
        g.infer_all()?;
    }
    Ok(n)
}

/// Lowering of a node, if it is an operator. A refusal names the node.
pub fn lowering(g: &Graph, id: NodeId) -> Result<Option<Lowering>> {
    let node = g.node(id);
    let Some((op, ctx)) = node.ctx() else { return Ok(None) };
    let l = op.lowering(&ctx, &g.operand_facts(id), &node.outputs);
    l.map(Some).map_err(|e| e.at(&node.name, &op.full_name()))
}

/// Puts a graph in the place of a node. Names are prefixed by the node's.
fn inline(g: &mut Graph, id: NodeId, inner: &Graph) -> Result<()> {
    let prefix = g.node(id).name.clone();
    let operands: Vec<Value> = g.operands(id).into_iter().flatten().collect();
    let mut map: HashMap<Value, Value> = HashMap::new();
    for (i, v) in inner.inputs().iter().zip(operands) {
        map.insert(Value { node: *i, port: 0 }, v);
    }
    let last = inner.outputs().first().map(|(_, v)| v.node);
    for n in inner.topo()? {
        let node = inner.node(n);
        let name = if Some(n) == last { prefix.clone() } else { format!("{prefix}/{}", node.name) };
        match &node.kind {
            Kind::Input => {}
            Kind::Const(t) => {
                map.insert(Value { node: n, port: 0 }, g.add_const(&name, t.clone()));
            }
            Kind::Op { op, attrs } => {
                let x: Vec<Option<Value>> = inner.operands(n).iter().map(|v| v.map(|v| map[&v])).collect();
                let new = g.add_op(&name, *op, attrs.clone(), &x, node.outputs.len())?;
                for port in 0..node.outputs.len() as u32 {
                    map.insert(Value { node: n, port }, Value { node: new, port });
                }
            }
        }
    }
    for (port, (_, v)) in inner.outputs().iter().enumerate() {
        g.replace(Value { node: id, port: port as u32 }, map[v]);
    }
    g.remove(id);
    Ok(())
}

/// Nodes whose operands are all constant, or whose value is known, become constants; what nobody reads goes.
pub fn fold(g: &mut Graph) -> Result<()> {
    let mut room = FOLD_BYTES;
    for id in g.topo()? {
        let Some((op, ctx)) = g.node(id).ctx() else { continue };
        if let Some(known) = g.node(id).outputs.iter().map(|f| f.constant().cloned()).collect::<Option<Vec<_>>>() {
            replace_by(g, id, known);
            continue;
        }
        if widens(g, id) {
            continue;
        }
        let x = g.operands(id);
        let values: Option<Vec<Option<Tensor>>> =
            x.iter().map(|v| v.map_or(Some(None), |v| g.constant(v).map(|t| Some(t.clone())))).collect();
        let Some(values) = values else { continue };
        let size =
            |f: &dlc_ir::Fact| f.len().as_const().and_then(|n| usize::try_from(n).ok()?.checked_mul(f.dtype.size()));
        let out = g.node(id).outputs.iter().map(size).try_fold(0usize, |sum, n| sum.checked_add(n?));
        let given = distinct_bytes(&values);
        if out.is_none_or(|out| out > given.saturating_mul(2).saturating_add(1 << 20).min(FOLD_BYTES.max(given))) {
            continue;
        }
        let grown = out.unwrap_or(0).saturating_sub(given);
        if grown > room {
            continue;
        }
        room -= grown;
        let refs: Vec<Option<&Tensor>> = values.iter().map(Option::as_ref).collect();
        let y = interp::known(op, &ctx, &refs).map_err(|e| e.at(&g.node(id).name, &op.full_name()))?;
        let Some(y) = y else { continue };
        replace_by(g, id, y);
    }
    sweep(g)
}

/// Whether a node only makes bf16 numbers wider: whoever reads them does that, so that they are stored narrow.
fn widens(g: &Graph, id: NodeId) -> bool {
    let operands = g.operand_facts(id);
    let narrow = operands.first().copied().flatten().is_some_and(|f| f.dtype == DType::BF16);
    narrow && g.node(id).op_name() == "Cast" && g.node(id).outputs[0].dtype == DType::F32
}

/// Bytes of the operands, each once.
fn distinct_bytes(x: &[Option<Tensor>]) -> usize {
    let mut seen: Vec<*const u8> = vec![];
    let mut first = |t: &&Tensor| {
        !seen.contains(&t.bytes().as_ptr()) && {
            seen.push(t.bytes().as_ptr());
            true
        }
    };
    x.iter().flatten().filter(|t| first(t)).map(|t| t.bytes().len()).sum()
}

fn replace_by(g: &mut Graph, id: NodeId, y: Vec<Tensor>) {
    let name = g.node(id).name.clone();
    for (port, t) in y.into_iter().enumerate() {
        let old = Value { node: id, port: port as u32 };
        if g.users(old).is_empty() && !g.is_output(old) {
            continue;
        }
        let c = g.add_const(&format!("{name}={port}"), t);
        g.replace(old, c);
    }
}

/// Removes nodes that no output needs; inputs stay.
fn sweep(g: &mut Graph) -> Result<()> {
    let mut needed: BTreeSet<NodeId> = g.outputs().iter().map(|(_, v)| v.node).collect();
    let order = g.topo()?;
    for id in order.iter().rev() {
        if needed.contains(id) {
            needed.extend(g.operands(*id).into_iter().flatten().map(|v| v.node));
        }
    }
    for id in order.iter().rev() {
        if !needed.contains(id) && !matches!(g.node(*id).kind, Kind::Input) {
            g.remove(*id);
        }
    }
    Ok(())
}
