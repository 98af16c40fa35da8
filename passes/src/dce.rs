//! Removes what no output needs.

use crate::{Report, subgraph};
use dlc_ir::{Graph, NodeId, Result};
use std::collections::HashSet;

/// Removes every node that no output of the graph reads, directly or not. Inputs stay: they are the graph's signature.
pub fn dce(g: &mut Graph) -> Result<Report> {
    let mut report = subgraph::each(g, dce)?;
    let needed = reachable(g);
    let mut dead: Vec<NodeId> = g.topo()?.into_iter().filter(|id| !needed.contains(id)).collect();
    dead.reverse();
    for id in dead {
        g.remove(id);
        report.changed += 1;
    }
    Ok(report)
}

fn reachable(g: &Graph) -> HashSet<NodeId> {
    let mut seen: HashSet<NodeId> = g.inputs().iter().copied().collect();
    let mut todo: Vec<NodeId> = g.outputs().iter().map(|o| o.1.node).collect();
    while let Some(id) = todo.pop() {
        if seen.insert(id) {
            todo.extend(g.operands(id).into_iter().flatten().map(|v| v.node));
        }
    }
    seen
}
