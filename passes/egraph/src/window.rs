//! Cuts a graph into windows that are searched one by one.

use dlc_ir::{Graph, NodeId, Result, Value};
use std::collections::HashMap;

/// Nodes in topological order, in windows of at most `most`, cut where few values cross. A window is at least three
/// quarters full, unless it is the last.
pub fn windows(g: &Graph, most: usize) -> Result<Vec<Vec<NodeId>>> {
    let order: Vec<NodeId> = g.topo()?.into_iter().filter(|id| g.node(*id).op().is_some()).collect();
    let crossing = crossing(g, &order);
    let (mut out, mut rest) = (vec![], 0);
    let most = most.max(1);
    while rest < order.len() {
        let end = match order.len() - rest <= most {
            true => order.len(),
            false => {
                (rest + most - most / 4..=rest + most).min_by_key(|at| (crossing[*at], *at)).unwrap_or(order.len())
            }
        };
        out.push(order[rest..end].to_vec());
        rest = end;
    }
    Ok(out)
}

/// How many values are computed before position `k` and read at or after it, for each `k`.
fn crossing(g: &Graph, order: &[NodeId]) -> Vec<usize> {
    let position: HashMap<NodeId, usize> = order.iter().enumerate().map(|(k, id)| (*id, k)).collect();
    let mut change = vec![0isize; order.len() + 2];
    for (k, id) in order.iter().enumerate() {
        for port in 0..g.node(*id).outputs.len() as u32 {
            let v = Value { node: *id, port };
            let last = g.users(v).iter().filter_map(|(user, _)| position.get(user)).max().copied();
            if let Some(last) = last {
                change[k + 1] += 1;
                change[last + 1] -= 1;
            }
        }
    }
    let mut alive = 0;
    change
        .iter()
        .map(|c| {
            alive += c;
            alive.max(0) as usize
        })
        .collect()
}
