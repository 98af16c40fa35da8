//! An order of nodes in which every value is computed before it is read.

use super::env::Env;
use super::free;
use crate::proto::NodeProto;
use crate::{Error, Result};
use std::collections::{BTreeSet, HashMap};

/// Positions of the nodes in order; among ready ones the first in the file comes first. Names that `env` knows are
/// there before. Refuses values given twice, values nobody gives, and cycles.
pub fn order(graph: &str, nodes: &[NodeProto], env: &Env) -> Result<Vec<usize>> {
    let producers = producers(graph, nodes)?;
    let mut waits = vec![0; nodes.len()];
    let mut readers = vec![vec![]; nodes.len()];
    for (i, n) in nodes.iter().enumerate() {
        for name in free::used(n).iter().collect::<BTreeSet<_>>() {
            match producers.get(&**name) {
                Some(p) => {
                    readers[*p].push(i);
                    waits[i] += 1;
                }
                None if env.knows(name) => {}
                None => return Err(missing(n, name)),
            }
        }
    }
    let mut ready: BTreeSet<usize> = (0..nodes.len()).filter(|i| waits[*i] == 0).collect();
    let mut out = Vec::with_capacity(nodes.len());
    while let Some(i) = ready.pop_first() {
        out.push(i);
        for r in &readers[i] {
            waits[*r] -= 1;
            if waits[*r] == 0 {
                ready.insert(*r);
            }
        }
    }
    match waits.iter().position(|w| *w > 0) {
        Some(i) => Err(Error::graph(graph, format!("node {} waits for itself: a cycle", label(&nodes[i])))),
        None => Ok(out),
    }
}

fn producers<'n>(graph: &str, nodes: &'n [NodeProto]) -> Result<HashMap<&'n str, usize>> {
    let mut out = HashMap::new();
    for (i, n) in nodes.iter().enumerate() {
        for name in n.output.iter().filter(|o| !o.is_empty()) {
            if out.insert(&**name, i).is_some() {
                return Err(Error::graph(graph, format!("two nodes give the value {name:?}")));
            }
        }
    }
    Ok(out)
}

fn missing(n: &NodeProto, name: &str) -> Error {
    Error::Node { name: n.name.clone(), op: n.op_type.clone(), what: format!("no node gives its operand {name:?}") }
}

/// The name of a node or, where it has none, of its first result.
fn label(n: &NodeProto) -> String {
    let first = n.output.first().map_or("", String::as_str);
    format!("{:?} ({})", if n.name.is_empty() { first } else { &n.name }, n.op_type)
}
