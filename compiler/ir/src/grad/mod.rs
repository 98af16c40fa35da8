//! Gradients by reverse-mode differentiation: graph in, graph out.
//!
//! Each operator of [`RULES`] says how the gradient of its first result becomes those of its operands, as nodes of the
//! same graph. An operator without rule whose lowering is a graph of others is written out first; any other is refused
//! by name. What reaches a value over several ways is added up.

mod elementwise;
mod product;
mod shape;
mod tape;
#[cfg(test)]
mod tests;

pub use tape::{Step, Tape};

use crate::lower::Lowering;
use crate::ops::common::control::splice;
use crate::{Error, Fact, Graph, NodeId, Result, Tensor, Value, bail};
use std::collections::{BTreeMap, BTreeSet};

/// The gradients of the operands, in order; `None` where there is none (integers, absent operands).
pub type Rule = fn(&mut Tape, &Step) -> Result<Vec<Option<Value>>>;

/// Deepest chain of expansions.
const DEPTH: usize = 16;

/// Every operator with a rule, by theme.
pub static RULES: &[&[(&str, Rule)]] = &[elementwise::RULES, product::RULES, shape::RULES];

/// The rule of an operator of ai.onnx.
pub fn rule(g: &Graph, id: NodeId) -> Option<Rule> {
    let (op, _) = g.node(id).op()?;
    let named = |r: &&(&str, Rule)| r.0 == op.name() && op.domain().is_empty();
    RULES.iter().copied().flatten().find(named).map(|r| r.1)
}

/// Adds to `g` the gradients of the sum of all elements of `y` with respect to each of `xs`, and gives them: tensors of
/// the types and shapes of `xs`, 0 where `y` does not depend on one. New nodes are named `name/..`; no other may be.
/// Refuses an operator on the way without gradient, naming its node.
pub fn gradient(g: &mut Graph, name: &str, y: Value, xs: &[Value]) -> Result<Vec<Value>> {
    let dtype = g.fact(y).dtype;
    if !dtype.is_float() {
        bail!("the gradient is of {}, expected floats", g.fact(y));
    }
    let mut t = Tape::new(g, name);
    let one = t.number(dtype, 1.0);
    let seed = t.fill(one, y)?;
    gradient_from(&mut t, y, seed, xs)
}

/// The same of the sum of `y * dy`.
pub fn gradient_from(t: &mut Tape, y: Value, dy: Value, xs: &[Value]) -> Result<Vec<Value>> {
    let y = write_out(t, y, xs)?;
    let order = way(t.g, y, xs)?;
    let mut sums: BTreeMap<Value, Value> = [(y, dy)].into();
    for id in order.into_iter().rev() {
        let of = Value { node: id, port: 0 };
        let Some(dy) = sums.get(&of).copied().filter(|_| !xs.contains(&of)) else { continue };
        let node = t.g.node(id).clone();
        let (op, attrs) = node.op().expect("only operators are on the way");
        let step = Step { attrs, x: t.g.operands(id), y: of, dy };
        let rule = rule(t.g, id).expect("others are written out or refused");
        let parts = rule(t, &step).map_err(|e| e.at(&node.name, &op.full_name()))?;
        for (x, dx) in step.x.iter().zip(parts) {
            let (Some(x), Some(dx)) = (x, dx) else { continue };
            let sum = match sums.get(x) {
                Some(other) => t.plain("Add", &[*other, dx])?,
                None => dx,
            };
            sums.insert(*x, sum);
        }
    }
    xs.iter().map(|x| sums.get(x).map_or_else(|| zero(t, *x), |d| Ok(*d))).collect()
}

fn zero(t: &mut Tape, x: Value) -> Result<Value> {
    let Fact { dtype, .. } = *t.g.fact(x);
    let zero = t.g.add_const(&t.name("zero"), Tensor::floats(dtype, &[], &[0.0]));
    t.fill(zero, x)
}

/// Nodes through which `y` depends on one of `xs` by floats alone, operands first; the nodes of `xs` are not among them.
fn way(g: &Graph, y: Value, xs: &[Value]) -> Result<Vec<NodeId>> {
    let mut dependent: BTreeSet<Value> = xs.iter().copied().collect();
    let mut out = vec![];
    for id in g.topo()? {
        let floats = |v: &Value| g.fact(*v).dtype.is_float();
        let results: Vec<Value> = (0..g.node(id).outputs.len() as u32).map(|port| Value { node: id, port }).collect();
        let reads = g.operands(id).iter().flatten().any(|v| dependent.contains(v));
        if reads && results.iter().any(floats) {
            dependent.extend(results.into_iter().filter(floats));
            out.push(id);
        }
    }
    let mut needed: BTreeSet<NodeId> = [y.node].into();
    for id in out.iter().rev() {
        if needed.contains(id) {
            needed.extend(g.operands(*id).iter().flatten().map(|v| v.node));
        }
    }
    out.retain(|id| needed.contains(id) && !xs.contains(&Value { node: *id, port: 0 }));
    Ok(out)
}

/// Copies of the operators on the way without rule, as graphs of others; the value that `y` is then.
fn write_out(t: &mut Tape, mut y: Value, xs: &[Value]) -> Result<Value> {
    for _ in 0..DEPTH {
        let unknown = way(t.g, y, xs)?.into_iter().find(|id| rule(t.g, *id).is_none());
        let Some(id) = unknown else { return Ok(y) };
        let node = t.g.node(id).clone();
        let (op, ctx) = node.ctx().expect("only operators are on the way");
        let refuse = || Error::op("has no gradient").at(&node.name, &op.full_name());
        let lowering = op.lowering(&ctx, &t.g.operand_facts(id), &node.outputs);
        let Ok(Lowering::Expand(inner)) = lowering else { return Err(refuse()) };
        let x: Vec<Value> = t.g.operands(id).into_iter().flatten().collect();
        let prefix = format!("{}/", t.name(&op.full_name().to_lowercase()));
        let results = splice(t.g, &inner, &x, &prefix)?;
        for (port, new) in results.into_iter().enumerate() {
            let old = Value { node: id, port: port as u32 };
            t.g.replace(old, new);
            y = if y == old { new } else { y };
        }
    }
    bail!("an operator still expands after {DEPTH} rounds")
}
