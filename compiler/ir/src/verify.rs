//! Checks that a graph is what every stage may rely on.

use crate::{Error, Graph, Result};

/// Refuses a graph that is cyclic, has duplicate names, or whose recorded facts are not what its operators infer.
pub fn verify(g: &Graph) -> Result<()> {
    let mut names = std::collections::HashSet::new();
    for id in g.topo()? {
        let node = g.node(id);
        if !names.insert(&node.name) {
            return Err(Error::Graph { graph: g.name.clone(), what: format!("two nodes are named {:?}", node.name) });
        }
        let Some((op, attrs)) = node.op() else { continue };
        let facts = g.infer(&node.name, op, attrs, &g.operands(id), node.outputs.len())?;
        for (k, (have, want)) in node.outputs.iter().zip(&facts).enumerate() {
            if !have.same_type(want) {
                let what = format!("result {k} is recorded as {have}, but infer gives {want}");
                return Err(Error::Node { name: node.name.clone(), op: op.full_name(), what });
            }
        }
    }
    Ok(())
}
