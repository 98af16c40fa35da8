//! The scale of a quantization goes into what is quantized, when that is linear in integers of a constant scale.

use super::{constant, dequantize, dequantized, operator};
use dlc_ir::{DType, Graph, NodeId, Result, Tensor, Value};

/// Deepest expression that is scaled.
const DEPTH: usize = 8;

/// Makes the scale of a `QuantizeLinear` 1, what it quantizes divided by it; not where that is dequantized and no more.
pub fn apply(g: &mut Graph, id: NodeId) -> Result<bool> {
    let y = Value { node: id, port: 0 };
    if operator(g, y) != "QuantizeLinear" {
        return Ok(false);
    }
    let operands = g.operands(id);
    let [Some(x), Some(s), ..] = operands[..] else { return Ok(false) };
    let Some(scale) = g.constant(s).filter(|s| s.len() == 1 && s.dtype() == DType::F32) else { return Ok(false) };
    let scale = scale.to_f32()[0];
    let direct = dequantized(g, x).is_some_and(|d| g.fact(d.stored).dtype != DType::I32);
    if scale == 1.0 || !scale.is_normal() || scale < 0.0 || direct || !scalable(g, x, id, DEPTH) {
        return Ok(false);
    }
    let x = scaled(g, x, scale)?;
    let one = constant(g, &format!("{}.scale", g.node(id).name), Tensor::f32(&[], &[1.0]));
    g.set_operand(id, 0, Some(x));
    g.set_operand(id, 1, Some(one));
    Ok(true)
}

/// Whether a value that `reader` alone reads can be divided by a number where it is made.
fn scalable(g: &Graph, v: Value, reader: NodeId, depth: usize) -> bool {
    if dequantized(g, v).is_some() {
        return true;
    }
    let alone = g.users(v).iter().map(|u| u.0).eq([reader]) && !g.is_output(v);
    let linear = matches!(operator(g, v), "Relu" | "Add" | "Concat");
    let mut operands = g.operands(v.node).into_iter();
    linear && alone && depth > 0 && operands.all(|x| x.is_some_and(|x| scalable(g, x, v.node, depth - 1)))
}

/// The value divided by `by`.
fn scaled(g: &mut Graph, v: Value, by: f32) -> Result<Value> {
    let name = g.node(v.node).name.clone();
    if let Some(d) = dequantized(g, v) {
        let scale: Vec<f32> = d.scale.iter().map(|s| s / by).collect();
        return dequantize(g, &name, d.stored, &scale, d.zero.map(|z| z.0), d.axis);
    }
    for (slot, x) in g.operands(v.node).into_iter().enumerate() {
        let Some(x) = x else { continue };
        let x = scaled(g, x, by)?;
        g.set_operand(v.node, slot, Some(x));
    }
    Ok(v)
}
