//! Nodes and subgraphs.

use super::attribute::{attribute, subgraph, tensor};
use super::opset::Versions;
use crate::Result;
use crate::names::Names;
use crate::proto::{
    AttributeProto, Dimension, DimensionValue, ElementType, GraphProto, NodeProto, TensorShapeProto, TensorType,
    TypeProto, TypeValue, ValueInfoProto,
};
use dlc_ir::form::{Rank, VARIES};
use dlc_ir::graph::Kind;
use dlc_ir::{Attr, Attrs, Dim, Fact, Graph, NodeId, OpRef, Value};
use std::collections::HashMap;

/// Writes graphs with names that are unique in the model.
pub struct Writer<'v> {
    names: Names,
    versions: &'v mut Versions,
}

/// The names of the values of one graph.
type Named = HashMap<Value, String>;

impl<'v> Writer<'v> {
    /// A writer that takes note of the versions needed.
    pub fn new(versions: &'v mut Versions) -> Self {
        Writer { names: Names::default(), versions }
    }

    /// The whole graph: inputs and outputs keep their names.
    pub fn top(&mut self, g: &Graph) -> Result<GraphProto> {
        let mut named = Named::new();
        for id in g.inputs() {
            named.insert(Value { node: *id, port: 0 }, self.names.unique(&g.node(*id).name));
        }
        let input = g.inputs().iter().map(|id| declared(&g.node(*id).name, &g.node(*id).outputs[0])).collect();
        Ok(GraphProto { input, ..self.graph(g, named)? })
    }

    /// A subgraph: its first inputs are its own, the others are the values of the graph around with the names `outer`.
    fn closed(&mut self, g: &Graph, outer: &[String]) -> Result<GraphProto> {
        let own = g.inputs().len().saturating_sub(outer.len());
        let (mut named, mut input) = (Named::new(), vec![]);
        for (i, id) in g.inputs().iter().enumerate() {
            let name = match i.checked_sub(own) {
                Some(k) => outer[k].clone(),
                None => self.names.unique(&g.node(*id).name),
            };
            if i < own {
                input.push(declared(&name, &g.node(*id).outputs[0]));
            }
            named.insert(Value { node: *id, port: 0 }, name);
        }
        Ok(GraphProto { input, ..self.graph(g, named)? })
    }

    /// Everything but the inputs, which `named` has.
    fn graph(&mut self, g: &Graph, mut named: Named) -> Result<GraphProto> {
        let mut out =
            GraphProto { name: if g.name.is_empty() { "graph".into() } else { g.name.clone() }, ..Default::default() };
        let aliases = self.name_outputs(g, &mut named, &mut out);
        for id in g.topo()? {
            match &g.node(id).kind {
                Kind::Input => {}
                Kind::Const(t) => {
                    let name = self.names.unique(&g.node(id).name);
                    out.initializer.push(tensor(&name, t));
                    named.insert(Value { node: id, port: 0 }, name);
                }
                Kind::Op { op, attrs } => {
                    let n = self.node(g, id, *op, attrs, &mut named)?;
                    out.node.push(n);
                }
            }
        }
        for (name, v) in aliases {
            let (input, output) = (vec![named[&v].clone()], vec![name]);
            out.node.push(NodeProto { input, output, op_type: "Identity".into(), ..Default::default() });
        }
        Ok(out)
    }

    /// Gives the results of operators that are outputs their names; outputs that need a node of their own.
    fn name_outputs(&mut self, g: &Graph, named: &mut Named, out: &mut GraphProto) -> Vec<(String, Value)> {
        let mut aliases = vec![];
        for (name, v) in g.outputs() {
            if named.get(v) == Some(name) {
                out.output.push(declared(name, g.fact(*v)));
                continue;
            }
            let name = self.names.unique(name);
            out.output.push(declared(&name, g.fact(*v)));
            match g.node(v.node).op() {
                Some(_) if !named.contains_key(v) => drop(named.insert(*v, name)),
                _ => aliases.push((name, *v)),
            }
        }
        aliases
    }

    fn node(&mut self, g: &Graph, id: NodeId, op: OpRef, attrs: &Attrs, named: &mut Named) -> Result<NodeProto> {
        self.versions.need(op, attrs);
        let node = g.node(id);
        let mut input: Vec<String> =
            g.operands(id).iter().map(|v| v.map_or(String::new(), |v| named[&v].clone())).collect();
        let attribute = self.attributes(op, attrs, &mut input)?;
        let mut output = vec![];
        for port in 0..node.outputs.len() as u32 {
            let base = if port == 0 { node.name.clone() } else { format!("{}:{port}", node.name) };
            let name = named.entry(Value { node: id, port }).or_insert_with(|| self.names.unique(&base));
            output.push(name.clone());
        }
        let (op_type, domain) = (op.name().into(), op.domain().into());
        Ok(NodeProto { input, output, name: node.name.clone(), op_type, domain, attribute, ..Default::default() })
    }

    /// The attributes; operands that subgraphs capture are taken off the list.
    fn attributes(&mut self, op: OpRef, attrs: &Attrs, input: &mut Vec<String>) -> Result<Vec<AttributeProto>> {
        let own = match (op.domain(), op.name()) {
            ("", "If") => 1,
            ("", "Loop" | "Scan") => {
                let captured = attrs.int("captured", 0)?;
                input.len().saturating_sub(usize::try_from(captured).unwrap_or(0))
            }
            _ => input.len(),
        };
        let outer = input.split_off(own.min(input.len()));
        let mut out = vec![];
        for (name, a) in attrs.iter() {
            match a {
                Attr::Graph(g) => out.push(subgraph(name, self.closed(g, &outer)?)),
                Attr::Int(_) if name == "captured" && op.domain().is_empty() => {}
                a => out.push(attribute(name, a)),
            }
        }
        out.extend(seed(op, attrs).map(|a| attribute("seed", &a)));
        Ok(out)
    }
}

/// The seed that an absent one means: a reader of the file is free to draw one where it is not told.
fn seed(op: OpRef, attrs: &Attrs) -> Option<Attr> {
    let field = op.schema().iter().find(|f| f.name == "seed" && attrs.get(f.name).is_none())?;
    Some(if field.kind == "float" { Attr::Float(0.0) } else { Attr::Int(0) })
}

fn declared(name: &str, f: &Fact) -> ValueInfoProto {
    ValueInfoProto { name: name.into(), r#type: Some(type_message(f)) }
}

/// The message of a type.
pub fn type_message(f: &Fact) -> TypeProto {
    let dim = f.shape.iter().map(|d| Dimension { value: size(d) }).collect();
    let shape = (f.form.rank() == Rank::Known).then_some(TensorShapeProto { dim });
    let mut t = TypeProto { value: Some(TypeValue::Tensor(TensorType { elem_type: f.dtype.to_onnx(), shape })) };
    let inside = |t: TypeProto| Box::new(ElementType { elem_type: Some(Box::new(t)) });
    if f.form.is_sequence() {
        t = TypeProto { value: Some(TypeValue::Sequence(inside(t))) };
    }
    if f.form.is_optional() {
        t = TypeProto { value: Some(TypeValue::Optional(inside(t))) };
    }
    t
}

fn size(d: &Dim) -> Option<DimensionValue> {
    match (d.as_const(), d.as_sym()) {
        (Some(v), _) => Some(DimensionValue::Value(v)),
        (None, Some(VARIES)) => None,
        (None, s) => Some(DimensionValue::Param(s.map_or_else(|| d.to_string(), String::from))),
    }
}
