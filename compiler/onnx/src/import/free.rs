//! The names a subgraph takes from the graph around it.

use crate::proto::{GraphProto, NodeProto};
use std::collections::HashSet;

/// Captured names of a graph, each once, in order of first use.
pub fn captured(g: &GraphProto) -> Vec<String> {
    let mut own: HashSet<&str> = super::constant_names(g).collect();
    own.extend(g.input.iter().map(|v| &*v.name));
    own.extend(g.node.iter().flat_map(|n| &n.output).map(String::as_str));
    let mut seen = HashSet::new();
    let mut out = vec![];
    let used = g.node.iter().flat_map(used).chain(g.output.iter().map(|o| o.name.clone()));
    for name in used.filter(|n| !own.contains(&**n)) {
        if seen.insert(name.clone()) {
            out.push(name);
        }
    }
    out
}

/// Names a node reads, itself or in its subgraphs.
pub fn used(n: &NodeProto) -> Vec<String> {
    let mut out: Vec<String> = n.input.iter().filter(|i| !i.is_empty()).cloned().collect();
    for g in n.attribute.iter().filter_map(|a| a.g.as_ref()) {
        out.extend(captured(g));
    }
    out.extend(super::gradient::named(n));
    out
}
