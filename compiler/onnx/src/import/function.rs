//! Functions of the model, expanded where they are called.

use super::{Env, Frame, Importer};
use crate::Result;
use crate::proto::{AttributeProto, FunctionProto, NodeProto};
use dlc_ir::Value;

/// What a call counts besides the nodes of the function, which are copied.
const CALL: usize = 15;

impl Importer<'_> {
    /// The nodes of `function` in place of the call; the values of its outputs.
    pub(super) fn call(
        &mut self,
        f: &mut Frame,
        function: &FunctionProto,
        call: &NodeProto,
        x: &[Option<Value>],
    ) -> Result<Vec<Option<Value>>> {
        self.nodes_left = self.nodes_left.saturating_sub(CALL);
        let copied: usize = function.node.iter().map(prost::Message::encoded_len).sum();
        self.external.hold(&function.name, copied)?;
        let nodes: Vec<NodeProto> = function.node.iter().map(|n| bind(n, function, &call.attribute)).collect();
        let opsets = f.opsets.of_function(&function.opset_import)?;
        let mut env = Env::default();
        for (i, name) in function.input.iter().enumerate() {
            env.bind(name, x.get(i).copied().flatten());
        }
        let mut inner = Frame { graph: f.graph, env, opsets: &opsets, depth: f.depth + 1, always: f.always };
        self.nodes(&mut inner, &function.name, &nodes)?;
        Ok(function.output.iter().map(|o| inner.env.value(o)).collect())
    }
}

/// The node with every reference to an attribute of the function replaced by its value in the call, or its default.
fn bind(n: &NodeProto, function: &FunctionProto, call: &[AttributeProto]) -> NodeProto {
    let attribute = n.attribute.iter().filter_map(|a| bind_attribute(a, function, call)).collect();
    NodeProto { attribute, ..n.clone() }
}

fn bind_attribute(a: &AttributeProto, function: &FunctionProto, call: &[AttributeProto]) -> Option<AttributeProto> {
    if !a.ref_attr_name.is_empty() {
        let given = call.iter().chain(&function.attribute_proto).find(|c| c.name == a.ref_attr_name)?;
        return Some(AttributeProto { name: a.name.clone(), ..given.clone() });
    }
    let mut a = a.clone();
    if let Some(g) = &mut a.g {
        g.node = g.node.iter().map(|n| bind(n, function, call)).collect();
    }
    Some(a)
}
