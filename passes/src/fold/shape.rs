//! Shape operands that need no computation: what they say relative to the data is constant.

use dlc_ir::{Dim, Graph, NodeId, Result, Tensor};

/// Replaces the computed shape of a `Reshape` or `Expand` by a constant that says the same: sizes of the data are
/// copied, one more size may be inferred. What computed the shape is then often needed by nobody.
pub fn simplify(g: &mut Graph, id: NodeId) -> Result<bool> {
    let Some((op, attrs)) = g.node(id).op() else { return Ok(false) };
    let operands = g.operands(id);
    let (name, attrs) = (op.full_name(), attrs.clone());
    let [Some(x), Some(shape)] = operands[..] else { return Ok(false) };
    let (from, to) = (&g.fact(x).shape, &g.node(id).outputs[0].shape);
    let sizes = match name.as_str() {
        _ if g.fact(shape).constant().is_some() => None,
        "Reshape" if attrs.int("allowzero", 0)? == 0 => relative(from, to),
        "Expand" => added(from, to),
        _ => None,
    };
    let Some(sizes) = sizes else { return Ok(false) };
    let t = Tensor::i64(&[sizes.len()], &sizes);
    let constant = g.add_const(&g.fresh_name(&format!("{}.shape", g.node(id).name)), t);
    let node = g.node(id);
    let inferred = g.infer(&node.name, op, &attrs, &[Some(x), Some(constant)], 1);
    let same = inferred.is_ok_and(|f| f[0].same_type(&node.outputs[0]));
    if same {
        g.set_operand(id, 1, Some(constant));
    } else {
        g.remove(constant.node);
    }
    Ok(same)
}

/// Sizes as `Reshape` reads them: 0 copies, -1 is what remains.
fn relative(from: &[Dim], to: &[Dim]) -> Option<Vec<i64>> {
    let size = |(i, d): (usize, &Dim)| match d.as_const() {
        Some(0) => None,
        Some(v) => Some(v),
        None if from.get(i) == Some(d) => Some(0),
        None => Some(-1),
    };
    let sizes: Vec<i64> = to.iter().enumerate().map(size).collect::<Option<_>>()?;
    (sizes.iter().filter(|v| **v == -1).count() <= 1).then_some(sizes)
}

/// Sizes as `Expand` reads them: 1 keeps the size of the data.
fn added(from: &[Dim], to: &[Dim]) -> Option<Vec<i64>> {
    let skip = to.len().checked_sub(from.len())?;
    let size = |(i, d): (usize, &Dim)| match d.as_const() {
        Some(v) => Some(v),
        None => (i >= skip && from[i - skip] == *d).then_some(1),
    };
    to.iter().enumerate().map(size).collect()
}
