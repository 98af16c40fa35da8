//! The oracle: runs a graph by the meaning of its operators.

use crate::graph::Kind;
use crate::strings;
use crate::{Ctx, Error, Graph, NodeId, Result, Tensor, Value};
use std::collections::HashMap;

/// Outputs of the graph for these inputs, in order.
pub fn run(g: &Graph, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
    run_with(g, inputs, &mut |_, _| ())
}

/// The same, showing every node's results as they come.
pub fn run_with(g: &Graph, inputs: &[Tensor], seen: &mut dyn FnMut(NodeId, &[Tensor])) -> Result<Vec<Tensor>> {
    if inputs.len() != g.inputs().len() {
        let what = format!("{} inputs, expected {}", inputs.len(), g.inputs().len());
        return Err(Error::Graph { graph: g.name.clone(), what });
    }
    let mut values: HashMap<Value, Tensor> = HashMap::new();
    for (id, t) in g.inputs().iter().zip(inputs) {
        let v = Value { node: *id, port: 0 };
        values.insert(v, t.clone().typed_as(g.fact(v)));
    }
    let order = g.topo()?;
    let mut uses = count_uses(g, &order);
    for id in order {
        let results = match &g.node(id).kind {
            Kind::Input => continue,
            Kind::Const(t) => vec![t.clone()],
            Kind::Op { .. } => run_node(g, id, &values)?,
        };
        seen(id, &results);
        for v in g.operands(id).into_iter().flatten() {
            release(&mut values, &mut uses, v);
        }
        for (port, t) in results.into_iter().enumerate() {
            let v = Value { node: id, port: port as u32 };
            if uses.contains_key(&v) {
                values.insert(v, t);
            }
        }
    }
    Ok(g.outputs().iter().map(|(_, v)| values[v].clone()).collect())
}

/// Results of one node from the values of its operands.
fn run_node(g: &Graph, id: NodeId, values: &HashMap<Value, Tensor>) -> Result<Vec<Tensor>> {
    let node = g.node(id);
    let (op, ctx) = node.ctx().expect("only operators are run");
    let x = g.operands(id);
    let x: Vec<Option<&Tensor>> = x.iter().map(|v| v.and_then(|v| values.get(&v))).collect();
    eval(op.0, &ctx, &x).map_err(|e| e.at(&node.name, &op.full_name()))
}

/// Most elements of a tensor that is computed: a model that asks for more is refused instead of exhausting the memory.
const MOST_ELEMENTS: i64 = 1 << 32;

/// `op.eval` after `op.infer` has accepted the operands, so that `eval` may rely on what `infer` checks.
pub fn eval(op: &dyn crate::Op, ctx: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let facts: Vec<_> = x.iter().map(|t| t.map(|t| if t.len() <= 1024 { t.fact() } else { t.type_fact() })).collect();
    let facts: Vec<Option<&crate::Fact>> = facts.iter().map(Option::as_ref).collect();
    let y = crate::op::infer(op, ctx, &facts)?;
    for f in &y {
        let n = f.len().as_const().unwrap_or(0);
        crate::ensure!(n <= MOST_ELEMENTS, "a result has {n} elements, expected at most {MOST_ELEMENTS}");
    }
    strings::eval(op, ctx, x)
}

fn count_uses(g: &Graph, order: &[NodeId]) -> HashMap<Value, usize> {
    let mut uses = HashMap::new();
    for id in order {
        for v in g.operands(*id).into_iter().flatten() {
            *uses.entry(v).or_insert(0) += 1;
        }
    }
    for (_, v) in g.outputs() {
        *uses.entry(*v).or_insert(0) += 1;
    }
    uses
}

fn release(values: &mut HashMap<Value, Tensor>, uses: &mut HashMap<Value, usize>, v: Value) {
    if let Some(n) = uses.get_mut(&v) {
        *n -= 1;
        if *n == 0 {
            values.remove(&v);
        }
    }
}
