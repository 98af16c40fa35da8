//! What must hold of a graph between any two stages.

use crate::graph::{Kind, Node};
use crate::{Attr, Error, Fact, Graph, NodeId, Result, Value};
use std::collections::HashSet;

/// Refuses a graph that is cyclic, has duplicate names of nodes or outputs, reads a result or misses an operand that
/// its operators do not have or need, or records facts that its operators do not infer. Subgraphs in attributes too.
pub fn verify(g: &Graph) -> Result<()> {
    check_names(g)?;
    for id in g.topo()? {
        check_node(g, id)?;
        for sub in subgraphs(g.node(id)) {
            verify(sub)?;
        }
    }
    check_ends(g)
}

/// Graphs in the attributes of a node: bodies of `If`, `Loop` and `Scan`.
pub fn subgraphs(n: &Node) -> impl Iterator<Item = &Graph> {
    let attrs = n.op().into_iter().flat_map(|(_, attrs)| attrs.iter());
    attrs.filter_map(|(_, a)| match a {
        Attr::Graph(g) => Some(&**g),
        _ => None,
    })
}

fn malformed<T>(g: &Graph, what: String) -> Result<T> {
    Err(Error::Graph { graph: g.name.clone(), what })
}

fn check_names(g: &Graph) -> Result<()> {
    let mut seen = HashSet::new();
    for name in g.nodes().map(|id| &g.node(id).name) {
        if !seen.insert(name) {
            return malformed(g, format!("two nodes are named {name:?}"));
        }
    }
    let mut seen = HashSet::new();
    match g.outputs().iter().find(|(name, _)| !seen.insert(name)) {
        Some((name, _)) => malformed(g, format!("two outputs are named {name:?}")),
        None => Ok(()),
    }
}

/// Inputs are listed once, and every output is a result that exists.
fn check_ends(g: &Graph) -> Result<()> {
    let nodes: HashSet<NodeId> = g.nodes().collect();
    let exists = |v: Value| nodes.contains(&v.node) && (v.port as usize) < g.node(v.node).outputs.len();
    if let Some((name, _)) = g.outputs().iter().find(|(_, v)| !exists(*v)) {
        return malformed(g, format!("output {name:?} is no result of a node"));
    }
    let listed: HashSet<NodeId> = g.inputs().iter().copied().collect();
    if listed.len() != g.inputs().len() {
        return malformed(g, "an input is listed twice".into());
    }
    match nodes.iter().find(|id| matches!(g.node(**id).kind, Kind::Input) != listed.contains(id)) {
        Some(id) => malformed(g, format!("node {:?} is an input that is not listed, or the reverse", g.node(*id).name)),
        None => Ok(()),
    }
}

fn check_node(g: &Graph, id: NodeId) -> Result<()> {
    let node = g.node(id);
    let refuse = |what: String| Err(Error::Node { name: node.name.clone(), op: node.op_name(), what });
    let operands = g.operands(id);
    for (i, v) in operands.iter().enumerate() {
        if let Some(v) = v.filter(|v| v.port as usize >= g.node(v.node).outputs.len()) {
            return refuse(format!("operand {i} is result {} of {:?}", v.port, g.node(v.node).name));
        }
    }
    let inferred = match &node.kind {
        Kind::Input if node.outputs.len() == 1 => return Ok(()),
        Kind::Input => return refuse(format!("{} results, expected 1", node.outputs.len())),
        Kind::Const(t) => vec![t.fact()],
        Kind::Op { op, attrs } => g.infer(&node.name, *op, attrs, &operands, node.outputs.len())?,
    };
    match difference(&node.outputs, &inferred) {
        Some(what) => refuse(what),
        None => Ok(()),
    }
}

/// What is recorded may say less of a value than inference, never something else.
fn difference(recorded: &[Fact], inferred: &[Fact]) -> Option<String> {
    if recorded.len() != inferred.len() {
        return Some(format!("{} results are recorded, but infer gives {}", recorded.len(), inferred.len()));
    }
    recorded.iter().zip(inferred).enumerate().find_map(|(k, (have, want))| match () {
        _ if !have.same_type(want) => Some(format!("result {k} is recorded as {have}, but infer gives {want}")),
        _ if have.known.is_some() && have.known != want.known => {
            Some(format!("result {k} is recorded with a value that infer does not give"))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Attrs, DType, Tensor};

    fn sum() -> (Graph, Value) {
        let mut g = Graph::new("g");
        let x = g.add_input("x", Fact::new(DType::F32, [2.into()]));
        let w = g.add_const("w", Tensor::f32(&[2], &[1.0, 2.0]));
        let y = g.apply("y", "Add", Attrs::new(), &[x, w]).unwrap();
        g.add_output("y", y);
        (g, y)
    }

    fn refusal(change: impl FnOnce(&mut Graph, Value)) -> String {
        let (mut g, y) = sum();
        verify(&g).unwrap();
        change(&mut g, y);
        verify(&g).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cycle = refusal(|g, y| g.set_operand(y.node, 0, Some(y)));
        assert_eq!(cycle, "graph \"g\": node Some(\"y\") is on a cycle");
        let name = refusal(|g, y| g.node_mut(y.node).name = "w".into());
        assert_eq!(name, "graph \"g\": two nodes are named \"w\"");
        let fact = refusal(|g, y| g.node_mut(y.node).outputs[0] = Fact::new(DType::F32, [3.into()]));
        assert_eq!(fact, "node \"y\" (Add): result 0 is recorded as f32[3], but infer gives f32[2]");
        let missing = refusal(|g, y| g.set_operand(y.node, 1, None));
        assert!(missing.contains("operand 1"), "{missing}");
        let port = refusal(|g, y| g.set_operand(y.node, 1, Some(Value { port: 1, ..y })));
        assert!(!port.is_empty());
        let output = refusal(|g, y| g.add_output("z", Value { port: 3, ..y }));
        assert_eq!(output, "graph \"g\": output \"z\" is no result of a node");
        let twice = refusal(|g, y| g.add_output("y", y));
        assert_eq!(twice, "graph \"g\": two outputs are named \"y\"");
        let value = refusal(|g, y| g.node_mut(y.node).outputs[0] = Tensor::f32(&[2], &[0.0, 0.0]).fact());
        assert!(value.contains("a value that infer does not give"));
    }
}
