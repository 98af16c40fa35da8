//! Quantized networks as integers: what such a network says in floats between `DequantizeLinear` and `QuantizeLinear` is
//! said of the integers themselves.
//!
//! * [`product`]: a convolution or matrix product of dequantized operands is their integer product, exact, dequantized by
//!   the product of the scales.
//! * [`through`]: what moves or compares elements does so before they are dequantized; what is quantized as it was is as
//!   it was.
//! * [`table`]: a function of one tensor of bytes is a table.
//! * [`scale`]: the scale of a result goes into the scales of what it is computed from.
//!
//! Sums are exact where floats round, and a scale is multiplied with another once, where the network multiplies and
//! divides the numbers themselves: a result just between two steps may be the other one.

mod product;
mod scale;
mod table;
mod through;

use crate::{Report, subgraph};
use dlc_ir::{Attrs, DType, Graph, OpRef, Result, Tensor, Value};

/// Writes products of dequantized tensors as products of integers. What is no longer needed is left to
/// [`dce`](crate::dce()).
pub fn integers(g: &mut Graph) -> Result<Report> {
    let mut report = subgraph::each(g, integers)?;
    for id in g.topo()? {
        let changed = through::apply(g, id)? || product::apply(g, id)?;
        report.changed += usize::from(changed);
    }
    report.changed += table::apply(g)?;
    for id in g.topo()? {
        report.changed += usize::from(scale::apply(g, id)?);
    }
    if report.changed > 0 {
        g.infer_all()?;
    }
    Ok(report)
}

/// A tensor that is dequantized by constants to f32: `real = (stored - zero) * scale`.
#[derive(Clone, Debug)]
struct Dequantized {
    /// What is stored.
    stored: Value,
    /// Finite and above 0; one, or as many as the axis has elements.
    scale: Vec<f32>,
    /// The operand, where there is one.
    zero: Option<(Value, Tensor)>,
    /// Axis of the scales.
    axis: i64,
}

impl Dequantized {
    fn is_per_tensor(&self) -> bool {
        self.scale.len() == 1
    }

    /// The zero point, unless it is 0 everywhere.
    fn shift(&self) -> Option<Value> {
        self.zero.as_ref().filter(|(_, t)| t.iter().any(|z| z.i() != 0)).map(|z| z.0)
    }
}

/// Name of the operator that gives a value, of ONNX's own.
fn operator(g: &Graph, v: Value) -> &'static str {
    match g.node(v.node).op() {
        Some((op, _)) if op.domain().is_empty() => op.name(),
        _ => "",
    }
}

/// What a value is dequantized from.
fn dequantized(g: &Graph, v: Value) -> Option<Dequantized> {
    if operator(g, v) != "DequantizeLinear" || g.fact(v).dtype != DType::F32 {
        return None;
    }
    let (_, attrs) = g.node(v.node).op()?;
    let x = g.operands(v.node);
    let stored = (*x.first()?)?;
    let scale = g.constant((*x.get(1)?)?)?;
    let zero = match x.get(2).copied().flatten() {
        Some(z) => Some((z, g.constant(z)?.clone())),
        None => None,
    };
    let whole = g.fact(stored).dtype.is_int() && attrs.int("block_size", 0).ok()? == 0 && scale.rank() <= 1;
    let scales = scale.to_f32();
    let good = scale.dtype() == DType::F32 && !scales.is_empty() && scales.iter().all(|s| s.is_normal() && *s > 0.0);
    let axis = attrs.int("axis", 1).ok()?;
    (whole && good).then_some(Dequantized { stored, scale: scales, zero, axis })
}

/// Adds an operator of ONNX under a name of its own. `None` is an omitted operand.
fn put(g: &mut Graph, base: &str, op: &'static str, attrs: Attrs, x: &[Option<Value>]) -> Result<Value> {
    let op: OpRef = dlc_ir::ops::by_name(op).map_or_else(|| dlc_ir::bail!("no operator {op:?}"), Ok)?;
    let name = g.fresh_name(base);
    Ok(Value { node: g.add_op(&name, op, attrs, x, 1)?, port: 0 })
}

/// Adds a constant under a name of its own.
fn constant(g: &mut Graph, base: &str, t: Tensor) -> Value {
    let name = g.fresh_name(base);
    g.add_const(&name, t)
}

/// Dequantizes a value by these scales, those of `axis` if they are many.
fn dequantize(
    g: &mut Graph,
    base: &str,
    stored: Value,
    scale: &[f32],
    zero: Option<Value>,
    axis: i64,
) -> Result<Value> {
    let (shape, attrs) = match scale.len() {
        1 => (vec![], Attrs::new()),
        n => (vec![n], Attrs::new().with("axis", axis)),
    };
    let scale = constant(g, &format!("{base}.scale"), Tensor::f32(&shape, scale));
    put(g, base, "DequantizeLinear", attrs, &[Some(stored), Some(scale), zero])
}

#[cfg(test)]
mod tests;
