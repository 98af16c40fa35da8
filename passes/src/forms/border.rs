//! The inputs and outputs of a model that are no tensors, as those of a program.

use dlc_ir::graph::Kind;
use dlc_ir::ops;
use dlc_ir::{DType, Dim, Fact, Graph, NodeId, Result, Value};
use std::collections::HashMap;

/// Name and type of an input or output of a model.
pub type Border = (String, Fact);

/// The graph with the tensors that `dlc.Unpack` gives as inputs and those that `dlc.Pack` takes as outputs; and the
/// inputs and outputs of the model. The tensors of one are next to each other and named after it.
pub fn borders(g: &Graph) -> Result<(Graph, Vec<Border>, Vec<Border>)> {
    let mut new = Graph::new(&g.name);
    let mut to: HashMap<Value, Value> = HashMap::new();
    let mut inputs = vec![];
    for id in g.inputs() {
        let node = g.node(*id);
        inputs.push((node.name.clone(), node.outputs[0].clone()));
        input(g, *id, &mut new, &mut to);
    }
    for id in g.topo()? {
        copy(g, id, &mut new, &mut to)?;
    }
    let mut outputs = vec![];
    for (name, v) in g.outputs() {
        let fact = g.fact(*v).clone();
        if fact.form.is_dense() {
            new.add_output(name, to[v]);
        } else {
            let parts = g.operands(v.node);
            for (what, part) in names(&fact).iter().zip(parts.iter().flatten()) {
                new.add_output(&format!("{name}.{what}"), to[part]);
            }
        }
        outputs.push((name.clone(), fact));
    }
    Ok((new, inputs, outputs))
}

fn names(f: &Fact) -> &'static [&'static str] {
    if f.form.is_optional() { &["there", "shapes", "data"] } else { &["shapes", "data"] }
}

/// The node that writes an input as tensors, if there is one.
fn unpacked(g: &Graph, v: Value) -> Option<NodeId> {
    let unpack = ops::find("dlc", "Unpack");
    g.users(v).into_iter().map(|u| u.0).find(|u| g.node(*u).op().map(|o| o.0) == unpack)
}

fn input(g: &Graph, id: NodeId, new: &mut Graph, to: &mut HashMap<Value, Value>) {
    let (node, v) = (g.node(id), Value { node: id, port: 0 });
    let fact = &node.outputs[0];
    if fact.form.is_dense() {
        to.insert(v, new.add_input(&node.name, fact.clone()));
        return;
    }
    let unpack = unpacked(g, v);
    let size = |what: &str| Dim::sym(&format!("{}.{what}", node.name));
    let shapes = Fact::new(DType::I64, [size("count"), fact.row().into()]);
    let mut own = vec![shapes, Fact::new(fact.dtype, [size("elements")])];
    if fact.form.is_optional() {
        own.insert(0, Fact::new(DType::Bool, []));
    }
    for (port, (what, own)) in names(fact).iter().zip(own).enumerate() {
        let fact = unpack.map_or(own, |u| g.node(u).outputs[port].type_only());
        let v = new.add_input(&format!("{}.{what}", node.name), fact);
        for u in g.users(Value { node: id, port: 0 }) {
            to.insert(Value { node: u.0, port: port as u32 }, v);
        }
    }
}

fn copy(g: &Graph, id: NodeId, new: &mut Graph, to: &mut HashMap<Value, Value>) -> Result<()> {
    let node = g.node(id);
    let created = match &node.kind {
        Kind::Input => return Ok(()),
        // These stand at the borders only.
        Kind::Op { op, .. } if op.domain() == "dlc" && ["Pack", "Unpack"].contains(&op.name()) => return Ok(()),
        Kind::Const(t) => new.add_const(&node.name, t.clone()).node,
        Kind::Op { op, attrs } => {
            let x: Vec<Option<Value>> = g.operands(id).into_iter().map(|v| v.map(|v| to[&v])).collect();
            new.add_op(&node.name, *op, attrs.clone(), &x, node.outputs.len())?
        }
    };
    for (port, f) in node.outputs.iter().enumerate() {
        new.node_mut(created).outputs[port].quant = f.quant.clone();
        to.insert(Value { node: id, port: port as u32 }, Value { node: created, port: port as u32 });
    }
    Ok(())
}
