//! Merges nodes that compute the same.

use crate::fold::is_random;
use dlc_ir::graph::Kind;
use dlc_ir::{Attrs, Graph, NodeId, Result, Tensor, Value};
use std::collections::HashMap;

#[derive(PartialEq, Eq, Hash)]
enum Key {
    Const(Tensor),
    Op(String, Attrs, Vec<Option<Value>>, usize),
}

/// Makes readers of every repeated computation read the first. Returns how many were merged.
pub fn merge(g: &mut Graph) -> Result<usize> {
    let (mut first, mut merged): (HashMap<Key, NodeId>, usize) = Default::default();
    for id in g.topo()? {
        let Some(key) = key(g, id) else { continue };
        let kept = *first.entry(key).or_insert(id);
        if kept != id {
            merged += redirect(g, id, kept) as usize;
        }
    }
    Ok(merged)
}

/// What decides the results of a node. None where nothing does, or where comparing is not worth it (bodies).
fn key(g: &Graph, id: NodeId) -> Option<Key> {
    let node = g.node(id);
    if node.outputs.iter().any(|f| f.quant.is_some()) {
        return None;
    }
    match &node.kind {
        Kind::Input => None,
        Kind::Const(t) => Some(Key::Const(t.clone())),
        Kind::Op { op, attrs } => {
            let has_body = dlc_ir::verify::subgraphs(node).next().is_some();
            let key = || Key::Op(op.full_name(), attrs.clone(), g.operands(id), node.outputs.len());
            (!has_body && !is_random(g, id)).then(key)
        }
    }
}

fn redirect(g: &mut Graph, from: NodeId, to: NodeId) -> bool {
    let mut read = false;
    for port in 0..g.node(from).outputs.len() as u32 {
        let old = Value { node: from, port };
        read |= !g.users(old).is_empty() || g.is_output(old);
        g.replace(old, Value { node: to, port });
    }
    read
}
