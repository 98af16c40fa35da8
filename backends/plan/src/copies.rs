//! Every reader of dequantized bytes dequantizes them itself: they are a quarter of what it would read.

use dlc_ir::{DType, Graph, NodeId, Result, Value};

/// Gives each reader of bytes dequantized by one scale an operator of its own.
pub fn copy(g: &mut Graph) -> Result<()> {
    for id in g.topo()? {
        let y = Value { node: id, port: 0 };
        if !is_cheap(g, id) {
            continue;
        }
        let mut readers: Vec<NodeId> = g.users(y).iter().map(|u| u.0).collect();
        readers.sort();
        readers.dedup();
        let kept = usize::from(!g.is_output(y));
        for reader in readers.into_iter().skip(kept) {
            let Some((op, attrs)) = g.node(id).op() else { continue };
            let (attrs, operands) = (attrs.clone(), g.operands(id));
            let name = g.fresh_name(&g.node(id).name.clone());
            let node = g.add_op(&name, op, attrs, &operands, 1)?;
            for (user, slot) in g.users(y).into_iter().filter(|u| u.0 == reader) {
                g.set_operand(user, slot, Some(Value { node, port: 0 }));
            }
        }
    }
    Ok(())
}

fn is_cheap(g: &Graph, id: NodeId) -> bool {
    let operands = g.operands(id);
    let fact = |i: usize| operands.get(i).copied().flatten().map(|v| g.fact(v));
    let op = g.node(id).op().is_some_and(|(op, _)| op.name() == "DequantizeLinear" && op.domain().is_empty());
    let bytes = fact(0).is_some_and(|f| matches!(f.dtype, DType::I8 | DType::U8) && f.constant().is_none());
    op && bytes && fact(1).is_some_and(|f| f.len().is_one())
}
