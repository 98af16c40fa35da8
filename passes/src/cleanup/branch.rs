//! Branches that are decided when compiling.

use dlc_ir::graph::Kind;
use dlc_ir::{Attr, Graph, NodeId, Result, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// Puts the taken branch of every `If` with a constant condition in its place. Returns how many were.
pub fn inline(g: &mut Graph) -> Result<usize> {
    let mut inlined = 0;
    for id in g.topo()? {
        let Some(body) = taken(g, id) else { continue };
        let operands = g.operands(id);
        let results = splice(g, &body, &operands[1..])?;
        for (port, new) in results.into_iter().enumerate() {
            g.replace(Value { node: id, port: port as u32 }, new);
        }
        g.remove(id);
        inlined += 1;
    }
    Ok(inlined)
}

/// The branch an `If` takes, if that is known and its inputs are the operands after the condition.
fn taken(g: &Graph, id: NodeId) -> Option<Arc<Graph>> {
    let node = g.node(id);
    let (_, attrs) = node.op().filter(|(op, _)| op.full_name() == "If")?;
    let operands = g.operands(id);
    let cond = g.fact(operands[0]?).constant().filter(|t| t.len() == 1)?;
    let name = if cond.at(0).truth() { "then_branch" } else { "else_branch" };
    let Some(Attr::Graph(body)) = attrs.get(name) else { return None };
    let fits = body.inputs().len() + 1 == operands.len() && body.outputs().len() == node.outputs.len();
    fits.then(|| body.clone())
}

/// Adds the nodes of a closed graph to `g`, its inputs being `x`; gives its outputs. Names that are taken get a number.
pub fn splice(g: &mut Graph, body: &Graph, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let mut at: HashMap<Value, Value> = HashMap::new();
    for (id, v) in body.inputs().iter().zip(x) {
        if let Some(v) = v {
            at.insert(Value { node: *id, port: 0 }, *v);
        }
    }
    for id in body.topo()? {
        let node = body.node(id);
        let name = g.fresh_name(&node.name);
        let new = match &node.kind {
            Kind::Input => continue,
            Kind::Const(t) => g.add_const(&name, t.clone()).node,
            Kind::Op { op, attrs } => {
                let x: Vec<_> = body.operands(id).iter().map(|v| v.and_then(|v| at.get(&v).copied())).collect();
                g.add_op(&name, *op, attrs.clone(), &x, node.outputs.len())?
            }
        };
        for port in 0..node.outputs.len() as u32 {
            at.insert(Value { node: id, port }, Value { node: new, port });
        }
    }
    Ok(body.outputs().iter().map(|(_, v)| at[v]).collect())
}
