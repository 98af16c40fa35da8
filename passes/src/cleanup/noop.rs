//! Operators that give an operand unchanged.

use dlc_ir::{Attr, Graph, NodeId, Result, Value};

/// Makes readers of an operator that changes nothing read its operand. Returns how many were skipped.
pub fn skip(g: &mut Graph) -> Result<usize> {
    let mut skipped = 0;
    for id in g.topo()? {
        let y = Value { node: id, port: 0 };
        let unused = g.users(y).is_empty() && !g.is_output(y);
        if let (Some(x), false) = (unchanged(g, id), unused) {
            g.replace(y, x);
            skipped += 1;
        } else if let Some(x) = reshaped_twice(g, id) {
            g.set_operand(id, 0, Some(x));
            skipped += 1;
        }
    }
    Ok(skipped)
}

/// The operand that result 0 always equals.
fn unchanged(g: &Graph, id: NodeId) -> Option<Value> {
    let node = g.node(id);
    let (op, _) = node.op()?;
    if !op.domain().is_empty() {
        return None;
    }
    let operands = g.operands(id);
    let x = operands.first().copied().flatten()?;
    let (from, to) = (g.fact(x), &node.outputs[0]);
    let holds = match op.name() {
        "Identity" | "OptionalGetElement" => true,
        "Dropout" => inference(g, id),
        "Cast" => from.dtype == to.dtype,
        "Concat" | "Sum" | "Max" | "Min" | "Mean" => operands.len() == 1,
        "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Expand" | "Tile" => from.shape == to.shape,
        "Transpose" => in_order(g, id),
        "Pad" => ints(g, &operands, 1).is_some_and(|p| p.iter().all(|v| *v == 0)),
        "Slice" => from.shape == to.shape && (operands.len() < 5 || forward(g, &operands)),
        _ => false,
    };
    (holds && from.same_type(to) && from.quant == to.quant).then_some(x)
}

/// A `Dropout` that passes its operand: not training, and its mask unread.
fn inference(g: &Graph, id: NodeId) -> bool {
    let mask = Value { node: id, port: 1 };
    let mask_unread = g.node(id).outputs.len() < 2 || (g.users(mask).is_empty() && !g.is_output(mask));
    let training = g.operands(id).get(2).copied().flatten();
    mask_unread && training.is_none_or(|v| g.fact(v).constant().is_some_and(|t| t.iter().all(|v| !v.truth())))
}

fn in_order(g: &Graph, id: NodeId) -> bool {
    let perm = g.node(id).op().and_then(|(_, attrs)| attrs.get("perm"));
    match perm {
        Some(Attr::Ints(p)) => p.iter().enumerate().all(|(i, a)| i as i64 == *a),
        _ => g.node(id).outputs[0].rank() <= 1,
    }
}

/// Steps of a `Slice` that are all forward: a slice of full size then takes every element in order.
fn forward(g: &Graph, operands: &[Option<Value>]) -> bool {
    operands[4].is_none() || ints(g, operands, 4).is_some_and(|s| s.iter().all(|v| *v > 0))
}

fn ints(g: &Graph, operands: &[Option<Value>], i: usize) -> Option<Vec<i64>> {
    g.fact(operands.get(i).copied().flatten()?).as_ints()
}

/// Operators that keep the elements in order, whatever the shape.
const KEEPS_ORDER: &[&str] = &["Flatten", "Reshape", "Squeeze", "Unsqueeze"];

/// The operand of a reshape that is reshaped again, where the second does not ask for sizes of the first, and the first is
/// known to fit: one that only the data decides is left, so that it can be refused.
fn reshaped_twice(g: &Graph, id: NodeId) -> Option<Value> {
    let (op, _) = g.node(id).op()?;
    let operands = g.operands(id);
    let (inner, shape) = (operands.first().copied().flatten()?, operands.get(1).copied().flatten()?);
    let (inner_op, _) = g.node(inner.node).op()?;
    let both = op.name() == "Reshape" && KEEPS_ORDER.contains(&inner_op.name()) && inner_op.domain().is_empty();
    let copies_no_size = g.fact(shape).as_dims()?.iter().all(|d| !d.is_zero());
    let x = g.operands(inner.node).first().copied().flatten()?;
    (both && copies_no_size && g.fact(x).len() == g.fact(inner).len()).then_some(x)
}
