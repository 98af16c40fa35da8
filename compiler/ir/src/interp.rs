//! The oracle: runs a graph by the meaning of its operators.

use crate::graph::Kind;
use crate::strings;
use crate::{Ctx, Error, Graph, NodeId, OpRef, Result, Tensor, Value, budget};
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
    // A graph without operators is work, too: a loop may run it without end.
    budget::admit_results(&[])?;
    let mut values: HashMap<Value, Tensor> = HashMap::new();
    for (id, t) in g.inputs().iter().zip(inputs) {
        let v = Value { node: *id, port: 0 };
        values.insert(v, t.clone().typed_as(g.fact(v)));
    }
    let order = g.topo()?;
    let mut uses = count_uses(g, &order);
    let mut held = budget::Held::default();
    for id in order {
        let results = match &g.node(id).kind {
            Kind::Input => continue,
            Kind::Const(t) => vec![t.clone()],
            Kind::Op { .. } => run_node(g, id, &values)?,
        };
        seen(id, &results);
        for v in g.operands(id).into_iter().flatten() {
            let freed = release(&mut values, &mut uses, v);
            held.release(if matches!(g.node(v.node).kind, Kind::Op { .. }) { freed } else { 0 });
        }
        for (port, t) in results.into_iter().enumerate() {
            let v = Value { node: id, port: port as u32 };
            if uses.contains_key(&v) {
                held.take(bytes(g, id, &t)).map_err(|e| e.at(&g.node(id).name, &g.node(id).op_name()))?;
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
const MOST_ELEMENTS: u64 = 1 << 32;

/// `op.eval` after `op.infer` has accepted the operands, so that `eval` may rely on what `infer` checks.
pub fn eval(op: &dyn crate::Op, ctx: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let facts: Vec<_> = x.iter().map(|t| t.map(|t| if t.len() <= 1024 { t.fact() } else { t.type_fact() })).collect();
    let facts: Vec<Option<&crate::Fact>> = facts.iter().map(Option::as_ref).collect();
    let y = crate::op::infer(op, ctx, &facts)?;
    for f in &y {
        let n = f.elements().unwrap_or(0);
        crate::ensure!(n <= MOST_ELEMENTS, "a result has {n} elements, expected at most {MOST_ELEMENTS}");
    }
    budget::admit_results(&y)?;
    strings::eval(op, ctx, x)
}

/// Most work of an operator that runs a graph when it is evaluated while compiling: a loop may be endless.
const WORK_WHEN_COMPILING: u64 = 1 << 20;

/// Results of an operator whose operands are known when compiling; `None` where they are left to the run, since a graph that
/// it runs goes on for too long.
pub fn known(op: OpRef, ctx: &Ctx, x: &[Option<&Tensor>]) -> Result<Option<Vec<Tensor>>> {
    let runs_graphs = ctx.attrs.iter().any(|(_, a)| matches!(a, crate::Attr::Graph(_)));
    match runs_graphs {
        true => budget::bounded(WORK_WHEN_COMPILING, || eval(op.0, ctx, x)),
        false => eval(op.0, ctx, x).map(Some),
    }
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

/// Bytes of a result that nothing but the run holds.
fn bytes(g: &Graph, id: NodeId, t: &Tensor) -> u64 {
    if matches!(g.node(id).kind, Kind::Op { .. }) { t.bytes().len() as u64 } else { 0 }
}

/// Lets go of a value that was used for the last time; how many bytes it has.
fn release(values: &mut HashMap<Value, Tensor>, uses: &mut HashMap<Value, usize>, v: Value) -> u64 {
    let Some(n) = uses.get_mut(&v) else { return 0 };
    *n -= 1;
    if *n > 0 {
        return 0;
    }
    values.remove(&v).map_or(0, |t| t.bytes().len() as u64)
}
