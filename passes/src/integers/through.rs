//! What moves or compares elements of a dequantized tensor does so with what is stored.

use super::{dequantize, dequantized, operator, put};
use dlc_ir::{DType, Graph, NodeId, Result, Value};

/// Operators whose results are elements of operand 0; a scale above 0 keeps which is the largest.
const MOVES: &[&str] = &["MaxPool", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice"];

/// Moves a node before the dequantization of its operand, or removes a quantization that undoes one.
pub fn apply(g: &mut Graph, id: NodeId) -> Result<bool> {
    let y = Value { node: id, port: 0 };
    if let Some(stored) = undone(g, id) {
        g.replace(y, stored);
        return Ok(true);
    }
    if let Some(parts) = concatenation(g, id) {
        return before_concat(g, id, parts);
    }
    let node = g.node(id);
    let one = node.outputs.len() == 1 && MOVES.contains(&operator(g, y));
    let mut operands = g.operands(id);
    let Some(x) = operands.first().copied().flatten().filter(|_| one) else { return Ok(false) };
    let Some(d) = dequantized(g, x).filter(|d| d.is_per_tensor()) else { return Ok(false) };
    if !matches!(g.fact(d.stored).dtype, DType::I8 | DType::U8) {
        return Ok(false);
    }
    let Some((op, attrs)) = g.node(id).op() else { return Ok(false) };
    let (name, attrs) = (g.node(id).name.clone(), attrs.clone());
    operands[0] = Some(d.stored);
    let moved = g.fresh_name(&format!("{name}.stored"));
    let moved = Value { node: g.add_op(&moved, op, attrs, &operands, 1)?, port: 0 };
    let real = dequantize(g, &format!("{name}.real"), moved, &d.scale, d.zero.map(|z| z.0), 1)?;
    g.replace(y, real);
    Ok(true)
}

/// The `Concat` that a quantization alone reads, of dequantized bytes.
fn concatenation(g: &Graph, id: NodeId) -> Option<NodeId> {
    let parts = g.operands(id).first().copied().flatten()?;
    let alone = g.users(parts).len() == 1 && !g.is_output(parts);
    let (scale, y) = (g.operands(id).get(1).copied().flatten()?, Value { node: id, port: 0 });
    let both = operator(g, y) == "QuantizeLinear" && operator(g, parts) == "Concat" && alone;
    let bytes = |v: &Option<Value>| {
        let d = v.and_then(|v| dequantized(g, v)).filter(|d| d.is_per_tensor());
        d.is_some_and(|d| matches!(g.fact(d.stored).dtype, DType::I8 | DType::U8))
    };
    (both && g.fact(scale).len().is_one() && g.operands(parts.node).iter().all(bytes)).then_some(parts.node)
}

/// Quantizes what is concatenated, each by itself.
fn before_concat(g: &mut Graph, id: NodeId, parts: NodeId) -> Result<bool> {
    let (name, operands) = (g.node(id).name.clone(), g.operands(id));
    let attrs = g.node(id).op().map(|(_, attrs)| attrs.clone()).unwrap_or_default();
    let mut stored = vec![];
    for x in g.operands(parts) {
        let q = [&[x], &operands[1..]].concat();
        let q = put(g, &format!("{name}.part"), "QuantizeLinear", attrs.clone(), &q)?;
        stored.push(Some(undone(g, q.node).unwrap_or(q)));
    }
    let attrs = g.node(parts).op().map(|(_, attrs)| attrs.clone()).unwrap_or_default();
    let y = put(g, &format!("{name}.all"), "Concat", attrs, &stored)?;
    g.replace(Value { node: id, port: 0 }, y);
    Ok(true)
}

/// What a value was before it was dequantized and quantized again the same way.
fn undone(g: &Graph, id: NodeId) -> Option<Value> {
    let y = Value { node: id, port: 0 };
    if operator(g, y) != "QuantizeLinear" {
        return None;
    }
    let operands = g.operands(id);
    let at = |i: usize| operands.get(i).copied().flatten();
    let d = dequantized(g, at(0)?).filter(|d| d.is_per_tensor())?;
    let scale = g.constant(at(1)?)?;
    let zero = |v: Option<Value>| match v {
        None => Some(0),
        Some(z) => g.constant(z).filter(|z| z.len() == 1).map(|z| z.at(0).i()),
    };
    let same = scale.dtype() == DType::F32 && scale.len() == 1 && scale.to_f32() == d.scale;
    let alike = zero(at(2))? == zero(d.zero.as_ref().map(|z| z.0))? && g.fact(y).dtype == g.fact(d.stored).dtype;
    (same && alike && matches!(g.fact(y).dtype, DType::I8 | DType::U8)).then_some(d.stored)
}
