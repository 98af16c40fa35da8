//! Graph to text.

use super::literal::{self, Detail};
use super::quoted;
use crate::graph::{Kind, Node};
use crate::{Attr, Attrs, Fact, Graph, Known, NodeId, Value};
use std::collections::HashSet;
use std::fmt::Write;

/// The graph as text, with every byte of its constants. Two graphs that differ only in how their nodes are numbered
/// print the same: inputs in order, then what the outputs need, operands first, then the rest by name.
pub fn print(g: &Graph) -> String {
    let mut out = String::new();
    block(g, 0, Detail::Full, &mut out);
    out.push('\n');
    out
}

/// The same for people: of a large constant only its type and a hash. Does not parse where there is one.
pub fn print_short(g: &Graph) -> String {
    let mut out = String::new();
    block(g, 0, Detail::Short, &mut out);
    out.push('\n');
    out
}

/// Nodes after their operands, in an order that only names and wiring decide.
fn order(g: &Graph) -> Vec<NodeId> {
    let mut rest: Vec<NodeId> = g.nodes().collect();
    rest.sort_by(|a, b| g.node(*a).name.cmp(&g.node(*b).name));
    let roots = g.inputs().iter().copied().chain(g.outputs().iter().map(|o| o.1.node)).chain(rest);
    let (mut seen, mut order) = (HashSet::new(), vec![]);
    for root in roots {
        visit(g, root, &mut seen, &mut order);
    }
    order
}

fn visit(g: &Graph, root: NodeId, seen: &mut HashSet<NodeId>, order: &mut Vec<NodeId>) {
    let mut stack = vec![(root, false)];
    while let Some((id, operands_done)) = stack.pop() {
        if operands_done {
            order.push(id);
        } else if seen.insert(id) {
            stack.push((id, true));
            stack.extend(g.operands(id).iter().rev().flatten().map(|v| (v.node, false)));
        }
    }
}

fn block(g: &Graph, depth: usize, detail: Detail, out: &mut String) {
    let indent = "  ".repeat(depth + 1);
    let _ = writeln!(out, "graph {} {{", quoted(&g.name));
    for id in order(g) {
        out.push_str(&indent);
        node(g, id, depth, detail, out);
        out.push('\n');
    }
    for (name, v) in g.outputs() {
        let _ = writeln!(out, "{indent}output {} = {}", quoted(name), value(g, *v));
    }
    let _ = write!(out, "{}}}", "  ".repeat(depth));
}

fn value(g: &Graph, v: Value) -> String {
    let name = quoted(&g.node(v.node).name);
    match v.port {
        0 => name,
        k => format!("{name}:{k}"),
    }
}

fn node(g: &Graph, id: NodeId, depth: usize, detail: Detail, out: &mut String) {
    let n = g.node(id);
    let name = quoted(&n.name);
    match &n.kind {
        Kind::Input => {
            let _ = write!(out, "input {name}: {}", fact(&n.outputs[0]));
            known(&n.outputs[0], out);
        }
        Kind::Const(t) => {
            let _ = write!(out, "{name} = {}{}", literal::tensor(t, detail), quant(&n.outputs[0]));
        }
        Kind::Op { op, attrs: a } => {
            let _ = write!(out, "{name} = {}({})", op.full_name(), operands(g, id));
            attrs(a, depth, detail, out);
            let _ = write!(out, ": {}", facts(n));
        }
    }
}

fn operands(g: &Graph, id: NodeId) -> String {
    let one = |v: Option<Value>| v.map_or("_".into(), |v| value(g, v));
    g.operands(id).into_iter().map(one).collect::<Vec<String>>().join(", ")
}

fn facts(n: &Node) -> String {
    n.outputs.iter().map(fact).collect::<Vec<_>>().join(", ")
}

fn fact(f: &Fact) -> String {
    format!("{f}{}", quant(f))
}

fn quant(f: &Fact) -> String {
    let Some(q) = &f.quant else { return String::new() };
    let axis = q.axis.map_or("_".into(), |a| a.to_string());
    let (scale, zero) = (literal::tensor(&q.scale, Detail::Full), literal::tensor(&q.zero, Detail::Full));
    format!(" quant({axis}, {scale}, {zero})")
}

/// What is known of an input; of all else the value follows from inference.
fn known(f: &Fact, out: &mut String) {
    match &f.known {
        None => {}
        Some(Known::Tensor(t)) => {
            let _ = write!(out, " known {}", literal::tensor(t, Detail::Full));
        }
        Some(Known::Dims(d)) => {
            let d: Vec<String> = d.iter().map(|d| d.to_string()).collect();
            let _ = write!(out, " known [{}]", d.join(","));
        }
    }
}

fn attrs(a: &Attrs, depth: usize, detail: Detail, out: &mut String) {
    if a.is_empty() {
        return;
    }
    out.push_str(" {");
    for (i, (name, v)) in a.iter().enumerate() {
        let _ = write!(out, "{}{}=", if i == 0 { "" } else { ", " }, quoted(name));
        match v {
            Attr::Graph(g) => block(g, depth + 1, detail, out),
            v => out.push_str(&literal::attr(v, detail)),
        }
    }
    out.push('}');
}
