//! A failing graph made small: fewer outputs, nodes replaced by what they give, sizes that are numbers.

use crate::check::guarded;
use dlc_ir::graph::Kind;
use dlc_ir::{Graph, NodeId, Tensor, Value, interp};
use std::collections::HashMap;

/// A graph and its inputs.
pub type Case = (Graph, Vec<Tensor>);

/// The smallest case found that still fails.
pub fn shrink(start: Case, fails: &dyn Fn(&Case) -> bool) -> Case {
    let mut best = start;
    let mut again = true;
    while again {
        again = false;
        for candidate in candidates(&best) {
            if fails(&candidate) {
                best = candidate;
                again = true;
                break;
            }
        }
    }
    best
}

/// Cases that are one step smaller.
fn candidates(case: &Case) -> Vec<Case> {
    let (g, inputs) = case;
    let mut out = vec![];
    if g.outputs().len() > 1 {
        for o in g.outputs() {
            let mut one = g.clone();
            one.set_outputs(vec![o.clone()]);
            out.push(swept(one, inputs.clone()));
        }
    }
    let Some(values) = values(g, inputs) else { return out };
    let nodes: Vec<NodeId> = g.nodes().filter(|id| g.node(*id).op().is_some()).collect();
    for id in &nodes {
        out.extend(cut(g, inputs, *id, &values));
        out.extend(ended(g, inputs, *id));
    }
    for (k, id) in g.inputs().iter().enumerate() {
        let mut numbers = g.clone();
        let fact = &mut numbers.node_mut(*id).outputs[0];
        let shape = inputs[k].shape().iter().map(|n| (*n).into()).collect();
        if fact.shape != shape {
            fact.shape = shape;
            if numbers.infer_all().is_ok() {
                out.push((numbers, inputs.clone()));
            }
        }
        for shorter in shortened(&inputs[k]) {
            let mut small = g.clone();
            let mut given = inputs.clone();
            small.node_mut(*id).outputs[0].shape = shorter.shape().iter().map(|n| (*n).into()).collect();
            given[k] = shorter;
            if small.infer_all().is_ok() && runs(&small, &given) {
                out.push((small, given));
            }
        }
    }
    out
}

fn runs(g: &Graph, inputs: &[Tensor]) -> bool {
    guarded("oracle", || interp::run(g, inputs).map_err(|e| e.to_string())).is_ok()
}

fn values(g: &Graph, inputs: &[Tensor]) -> Option<HashMap<Value, Tensor>> {
    let mut out = HashMap::new();
    let seen = &mut |node: NodeId, y: &[Tensor]| {
        for (port, t) in y.iter().enumerate() {
            out.insert(Value { node, port: port as u32 }, t.clone());
        }
    };
    interp::run_with(g, inputs, seen).ok()?;
    Some(out)
}

/// A tensor without the second half of an axis.
fn shortened(t: &Tensor) -> Vec<Tensor> {
    let mut out = vec![];
    for (a, n) in t.shape().iter().enumerate().filter(|(_, n)| **n > 1) {
        let mut shape = t.shape().to_vec();
        shape[a] = n.div_ceil(2);
        let strides = t.strides();
        let mut data = vec![];
        dlc_ir::tensor::for_each_index(&shape, |i| data.push(t.at(i.iter().zip(&strides).map(|(i, s)| i * s).sum())));
        out.push(Tensor::new(t.dtype(), &shape, data));
    }
    out
}

/// The node's results become inputs.
fn cut(g: &Graph, inputs: &[Tensor], id: NodeId, values: &HashMap<Value, Tensor>) -> Option<Case> {
    let mut out = g.clone();
    let mut given = inputs.to_vec();
    for port in 0..g.node(id).outputs.len() as u32 {
        let v = Value { node: id, port };
        if g.users(v).is_empty() || g.is_output(v) {
            continue;
        }
        let t = values.get(&v)?;
        let name = out.fresh_name(&format!("{}_{port}", g.node(id).name));
        let x = out.add_input(&name, t.type_fact());
        given.push(t.clone());
        for (user, slot) in out.users(v) {
            out.set_operand(user, slot, Some(x));
        }
    }
    if given.len() == inputs.len() {
        return None;
    }
    let case = swept(out, given);
    let fewer = |g: &Graph| g.nodes().filter(|id| g.node(*id).op().is_some()).count();
    let mut case = case;
    (fewer(&case.0) < fewer(g) && case.0.infer_all().is_ok()).then_some(case)
}

/// The node's first result is the only output.
fn ended(g: &Graph, inputs: &[Tensor], id: NodeId) -> Option<Case> {
    let v = Value { node: id, port: 0 };
    if g.is_output(v) {
        return None;
    }
    let mut out = g.clone();
    out.set_outputs(vec![("y".into(), v)]);
    Some(swept(out, inputs.to_vec()))
}

/// Without what no output needs.
fn swept(mut g: Graph, inputs: Vec<Tensor>) -> Case {
    let order = g.topo().unwrap_or_default();
    let mut given: Vec<(NodeId, Tensor)> = g.inputs().iter().copied().zip(inputs).collect();
    for id in order.into_iter().rev() {
        let read = (0..g.node(id).outputs.len() as u32).any(|port| {
            let v = Value { node: id, port };
            !g.users(v).is_empty() || g.is_output(v)
        });
        if !read && !matches!(g.node(id).kind, Kind::Op { .. } if g.node(id).outputs.is_empty()) {
            g.remove(id);
            given.retain(|x| x.0 != id);
        }
    }
    (g, given.into_iter().map(|x| x.1).collect())
}
