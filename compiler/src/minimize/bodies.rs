//! The graphs inside of nodes (`If`, `Loop`, `Scan`), as cases of their own: on the values of the first time they are run.

use super::{Case, Same, ddmin, take};
use dlc_ir::graph::Kind;
use dlc_ir::{Attr, Attrs, DType, Graph, NodeId, Num, Tensor, Value, tensor};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;

/// Where a graph is: nodes from the outermost in, and the attribute of each that holds the next graph.
type Path = Vec<(NodeId, String)>;

/// The graphs inside of the best: one of them alone if that is the same failure, and else each with fewer nodes.
pub fn bodies(best: &mut Case, same: &mut Same) -> ControlFlow<()> {
    let mut paths: Vec<Path> = inside(&best.graph, &vec![]);
    while let Some(path) = paths.pop() {
        let alone = at(best, &path);
        if alone.is_some() && take(best, alone, same)? {
            paths = inside(&best.graph, &vec![]);
            continue;
        }
        fewer(best, &path, same)?;
        if let Some(body) = graph_at(&best.graph, &path).cloned() {
            paths.extend(inside(&body, &path));
        }
    }
    unread(best, same)
}

/// Paths of the graphs that the nodes of `g`, which is at `path`, hold.
fn inside(g: &Graph, path: &Path) -> Vec<Path> {
    let graphs = |id: NodeId| {
        let attrs = g.node(id).op().into_iter().flat_map(|(_, attrs)| attrs.iter());
        attrs.filter(|a| matches!(a.1, Attr::Graph(_))).map(move |a| (id, a.0.clone())).collect::<Vec<_>>()
    };
    let further = |step| path.iter().cloned().chain([step]).collect();
    g.nodes().flat_map(graphs).map(further).collect()
}

fn graph_at<'g>(g: &'g Graph, path: &[(NodeId, String)]) -> Option<&'g Graph> {
    let Some(((id, name), rest)) = path.split_first() else { return Some(g) };
    match g.node(*id).op()?.1.get(name)? {
        Attr::Graph(body) => graph_at(body, rest),
        _ => None,
    }
}

/// The graph with another one at `path`; facts are inferred anew. `None` where they cannot be.
fn with_graph(g: &Graph, path: &[(NodeId, String)], new: Graph) -> Option<Graph> {
    let Some(((id, name), rest)) = path.split_first() else { return Some(new) };
    let Attr::Graph(body) = g.node(*id).op()?.1.get(name)? else { return None };
    let new = with_graph(body, rest, new)?;
    let mut out = g.clone();
    if let Kind::Op { attrs, .. } = &mut out.node_mut(*id).kind {
        attrs.set(name, new);
    }
    out.infer_all().ok()?;
    Some(out)
}

/// The graph at `path` on what it is first given.
fn at(case: &Case, path: &[(NodeId, String)]) -> Option<Case> {
    let Some(((id, _), rest)) = path.split_first() else { return Some(case.clone()) };
    let values = case.values();
    let g = &case.graph;
    let operand = |v: Option<Value>| values.get(&v?).cloned();
    let x: Vec<Option<Tensor>> = g.operands(*id).into_iter().map(operand).collect();
    let (op, attrs) = g.node(*id).op()?;
    let body = graph_at(g, &path[..1])?;
    let inputs = first_inputs(op.name(), attrs, &x)?;
    let mut graph = body.clone();
    for (id, t) in body.inputs().iter().zip(&inputs) {
        graph.node_mut(*id).outputs[0] = t.type_fact();
    }
    graph.infer_all().ok()?;
    let fits = body.inputs().len() == inputs.len();
    if fits { at(&Case { graph, inputs }, rest) } else { None }
}

/// What the graph of a node with these operands is given when it runs for the first time.
fn first_inputs(op: &str, attrs: &Attrs, x: &[Option<Tensor>]) -> Option<Vec<Tensor>> {
    let from = |k: usize| x.get(k..)?.iter().cloned().collect::<Option<Vec<Tensor>>>();
    match op {
        "If" => from(1),
        "Loop" => {
            let counters = [Tensor::scalar(DType::I64, Num::I(0)), Tensor::scalar(DType::Bool, Num::I(1))];
            Some(counters.into_iter().chain(from(2)?).collect())
        }
        "Scan" => {
            let mut all = from(0)?;
            let scanned = usize::try_from(attrs.int("num_scan_inputs", 0).ok()?).ok()?;
            let captured = usize::try_from(attrs.int("captured", 0).ok()?).ok()?;
            let states = all.len().checked_sub(scanned)?.checked_sub(captured)?;
            for (k, t) in all[states..states + scanned].iter_mut().enumerate() {
                let axis = listed(attrs, "scan_input_axes", k);
                let axis = usize::try_from(if axis < 0 { axis + t.rank() as i64 } else { axis }).ok()?;
                *t = slice(t, axis, listed(attrs, "scan_input_directions", k) == 1)?;
            }
            Some(all)
        }
        _ => None,
    }
}

/// Element `k` of a list of integers; 0 where there is none.
fn listed(attrs: &Attrs, name: &str, k: usize) -> i64 {
    match attrs.get(name) {
        Some(Attr::Ints(v)) => v.get(k).copied().unwrap_or(0),
        _ => 0,
    }
}

/// The first slice along an axis, or the last.
fn slice(t: &Tensor, axis: usize, last: bool) -> Option<Tensor> {
    let mut shape = t.shape().to_vec();
    let n = *shape.get(axis)?;
    let fixed = if last { n.checked_sub(1)? } else { 0 };
    shape.remove(axis);
    let (strides, size) = (t.strides(), t.dtype().size());
    let mut bytes = vec![];
    tensor::for_each_index(&shape, |i| {
        let i = i[..axis].iter().chain([&fixed]).chain(&i[axis..]);
        let at = i.zip(&strides).map(|(i, s)| i * s).sum::<usize>() * size;
        bytes.extend_from_slice(&t.bytes()[at..at + size]);
    });
    (n > 0 && t.dtype() != DType::Str).then(|| Tensor::from_bytes(t.dtype(), &shape, bytes.into()).ok())?
}

/// Fewer nodes in the graph at `path`.
fn fewer(best: &mut Case, path: &Path, same: &mut Same) -> ControlFlow<()> {
    let Some(body) = at(best, path) else { return ControlFlow::Continue(()) };
    let (outer, nodes, values) = (best.clone(), body.operators(), body.values());
    let mut with = |best: &mut Case, kept: &BTreeSet<NodeId>| {
        let inner = graph_at(&outer.graph, path).and_then(|g| keep(g, kept, &values));
        let graph = inner.and_then(|g| with_graph(&outer.graph, path, g));
        take(best, graph.map(|graph| Case { graph, inputs: outer.inputs.clone() }), same)
    };
    if nodes.is_empty() || with(best, &BTreeSet::new())? {
        return ControlFlow::Continue(());
    }
    ddmin(nodes.len(), &mut |kept| with(best, &kept.iter().map(|i| nodes[*i]).collect())).1
}

/// The graph with these operators alone: what others give is a constant of the value it had. Inputs and outputs stay.
fn keep(g: &Graph, kept: &BTreeSet<NodeId>, values: &BTreeMap<Value, Tensor>) -> Option<Graph> {
    let mut out = Graph::new(&g.name);
    let mut map: HashMap<Value, Value> = HashMap::new();
    for id in g.inputs() {
        let node = g.node(*id);
        map.insert(Value { node: *id, port: 0 }, out.add_input(&node.name, node.outputs[0].clone()));
    }
    for id in g.topo().ok()?.into_iter().filter(|id| kept.contains(id)) {
        let x: Option<Vec<Option<Value>>> = g
            .operands(id)
            .into_iter()
            .map(|v| v.map_or(Some(None), |v| known(g, v, &mut out, &mut map, values).map(Some)))
            .collect();
        let node = g.node(id);
        let (op, attrs) = node.op()?;
        let new = out.add_op(&out.fresh_name(&node.name), op, attrs.clone(), &x?, node.outputs.len()).ok()?;
        map.extend((0..node.outputs.len() as u32).map(|port| (Value { node: id, port }, Value { node: new, port })));
    }
    for (name, v) in g.outputs() {
        let v = known(g, *v, &mut out, &mut map, values)?;
        out.add_output(name, v);
    }
    Some(out)
}

/// The value in the new graph, a constant where its node was not kept.
fn known(
    g: &Graph,
    v: Value,
    out: &mut Graph,
    map: &mut HashMap<Value, Value>,
    values: &BTreeMap<Value, Tensor>,
) -> Option<Value> {
    if let Some(new) = map.get(&v) {
        return Some(*new);
    }
    let t = g.constant(v).or_else(|| values.get(&v)).filter(|t| t.items().is_none())?;
    let new = out.add_const(&out.fresh_name(&g.node(v.node).name), t.clone());
    map.insert(v, new);
    Some(new)
}

/// Operands that no graph of their node reads become constants of one element, so that what gives them can go.
fn unread(best: &mut Case, same: &mut Same) -> ControlFlow<()> {
    for (id, slot, input) in best.operators().into_iter().flat_map(|id| unread_of(&best.graph, id)).collect::<Vec<_>>()
    {
        let Some(v) = best.graph.operands(id)[slot].filter(|v| best.graph.constant(*v).is_none()) else { continue };
        let fact = best.graph.fact(v).clone();
        if !fact.form.is_dense() || fact.dtype == DType::Str {
            continue;
        }
        let mut graph = best.graph.clone();
        let one = Tensor::new(fact.dtype, &vec![1; fact.rank()], [Num::I(0)]);
        let name = graph.fresh_name(&format!("{input}/unread"));
        let constant = graph.add_const(&name, one);
        graph.set_operand(id, slot, Some(constant));
        let outputs = graph.outputs().to_vec();
        let smaller = graph.infer_all().ok().map(|()| Case { graph, inputs: best.inputs.clone() });
        take(best, smaller.and_then(|case| case.with_outputs(outputs)), same)?;
    }
    ControlFlow::Continue(())
}

/// Operands of a node that all its graphs have as an input which none reads: their slots, and names there.
fn unread_of(g: &Graph, id: NodeId) -> Vec<(NodeId, usize, String)> {
    let Some((op, attrs)) = g.node(id).op() else { return vec![] };
    let graphs: Vec<&Graph> =
        attrs.iter().filter_map(|a| if let Attr::Graph(b) = a.1 { Some(&**b) } else { None }).collect();
    let operands = g.operands(id).len();
    let captured = match op.name() {
        "If" => operands.saturating_sub(1),
        "Loop" | "Scan" => usize::try_from(attrs.int("captured", 0).unwrap_or(0)).unwrap_or(0),
        _ => 0,
    };
    let unread = |back: usize| {
        let inputs = graphs.iter().map(|b| Some((b, *b.inputs().get(b.inputs().len().checked_sub(back)?)?)));
        let inputs: Vec<_> = inputs.collect::<Option<_>>()?;
        let read = |(b, input): &(&&Graph, NodeId)| {
            let v = Value { node: *input, port: 0 };
            b.is_output(v) || !b.users(v).is_empty()
        };
        let (b, input) = inputs.first()?;
        (!inputs.iter().any(read)).then(|| (id, operands - back, b.node(*input).name.clone()))
    };
    (1..=captured.min(operands)).filter_map(unread).collect()
}
