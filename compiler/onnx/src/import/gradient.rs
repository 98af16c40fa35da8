//! `Gradient`: the derivatives of a value of the graph, which it names, as nodes of the graph.
//! <https://onnx.ai/onnx/operators/onnx_aionnxpreviewtraining_Gradient.html>

use super::node::at;
use super::{Frame, Importer};
use crate::proto::NodeProto;
use crate::{Error, Result};
use dlc_ir::graph::Kind;
use dlc_ir::{Graph, Value, grad};
use std::collections::BTreeMap;

/// Domain of the operator.
pub const DOMAIN: &str = "ai.onnx.preview.training";

/// Strings of an attribute; none when it is absent or no text.
fn strings(n: &NodeProto, name: &str) -> Vec<String> {
    let a = n.attribute.iter().find(|a| a.name == name);
    let all = a.into_iter().flat_map(|a| a.strings.iter().chain(&a.s));
    all.filter_map(|s| String::from_utf8(s.to_vec()).ok()).collect()
}

/// The values of the graph that a `Gradient` node reads by name; none of any other node.
pub fn named(n: &NodeProto) -> Vec<String> {
    match (&*n.domain, &*n.op_type) {
        (DOMAIN, "Gradient") => ["xs", "zs", "y"].iter().flat_map(|a| strings(n, a)).collect(),
        _ => vec![],
    }
}

impl Importer<'_> {
    /// The derivatives of `y` with respect to each of `xs`, where `xs` and `zs` have the values of the operands.
    pub(super) fn gradient(&mut self, f: &mut Frame, n: &NodeProto, x: &[Option<Value>]) -> Result<Vec<Option<Value>>> {
        let name = self.names.node(&n.name, &n.op_type);
        let refuse = |what: String| Error::Node { name: name.clone(), op: n.op_type.clone(), what };
        let value = |of: &String| {
            f.env.value(of).ok_or_else(|| refuse(format!("{of:?} is no value of the graph before the node")))
        };
        let (xs, zs) = (strings(n, "xs"), strings(n, "zs"));
        let [y] = &strings(n, "y")[..] else { return Err(refuse("attribute y names no value".into())) };
        let (y, variables) = (value(y)?, xs.iter().chain(&zs).map(value).collect::<Result<Vec<_>>>()?);
        if x.len() != variables.len() {
            return Err(refuse(format!("{} operands, expected one for each of {}", x.len(), variables.len())));
        }
        let mut at_point = BTreeMap::new();
        for (v, x) in variables.iter().zip(x) {
            let x = x.ok_or_else(|| refuse("an operand is missing".into()))?;
            if *v != x {
                at_point.insert(*v, x);
            }
        }
        let y = copy_at(f.graph, &name, y, &mut at_point.clone()).map_err(|e| at(e.into(), &name, &n.op_type))?;
        let point: Vec<Value> = variables.iter().map(|v| at_point.get(v).copied().unwrap_or(*v)).collect();
        let found = grad::gradient(f.graph, &name, y, &point[..xs.len()]);
        Ok(found.map_err(|e| at(e.into(), &name, &n.op_type))?.into_iter().map(Some).collect())
    }
}

/// The value that `y` has where the keys of `known` have the values there: what depends on them is computed once more.
fn copy_at(g: &mut Graph, name: &str, y: Value, known: &mut BTreeMap<Value, Value>) -> dlc_ir::Result<Value> {
    if known.is_empty() {
        return Ok(y);
    }
    for id in g.topo()? {
        let x = g.operands(id);
        let Kind::Op { op, attrs } = g.node(id).kind.clone() else { continue };
        let fixed = (0..g.node(id).outputs.len() as u32).any(|port| known.contains_key(&Value { node: id, port }));
        if fixed || !x.iter().flatten().any(|v| known.contains_key(v)) {
            continue;
        }
        let x: Vec<Option<Value>> = x.iter().map(|v| v.map(|v| known.get(&v).copied().unwrap_or(v))).collect();
        let outputs = g.node(id).outputs.len();
        let new = g.add_op(&format!("{name}/at/{}", g.node(id).name), op, attrs, &x, outputs)?;
        for port in 0..outputs as u32 {
            known.insert(Value { node: id, port }, Value { node: new, port });
        }
    }
    Ok(known.get(&y).copied().unwrap_or(y))
}
