//! Walks into the bodies of If, Loop and Scan.

use crate::Report;
use dlc_ir::graph::Kind;
use dlc_ir::{Attr, Graph, NodeId, Result};
use std::sync::Arc;

/// Runs a pass on every graph in the attributes of the nodes of `g`.
pub fn each(g: &mut Graph, mut pass: impl FnMut(&mut Graph) -> Result<Report>) -> Result<Report> {
    let mut total = Report::default();
    let ids: Vec<NodeId> = g.nodes().collect();
    for id in ids {
        let Kind::Op { attrs, .. } = &g.node(id).kind else { continue };
        let bodies = attrs.iter().filter_map(|(name, a)| match a {
            Attr::Graph(body) => Some((name.clone(), body.clone())),
            _ => None,
        });
        for (name, body) in bodies.collect::<Vec<_>>() {
            let mut body = Arc::unwrap_or_clone(body);
            let report = pass(&mut body)?;
            if let (Kind::Op { attrs, .. }, true) = (&mut g.node_mut(id).kind, report.changed > 0) {
                attrs.set(&name, body);
            }
            total += report;
        }
    }
    Ok(total)
}
