//! `SequenceMap`: a graph applied to the tensors of sequences, written as a `Loop`.
//! <https://onnx.ai/onnx/operators/onnx__SequenceMap.html>

use super::{Frame, Importer};
use crate::proto::{AttributeProto, GraphProto, NodeProto, TypeValue, ValueInfoProto, attribute_type as ty};
use crate::{Error, Result, tensor};
use dlc_ir::{DType, Value};

impl Importer<'_> {
    /// The nodes `SequenceLength`, `SequenceEmpty` for each result, and `Loop` in place of the node: the body takes a
    /// tensor of every sequence and appends what it gives to the results.
    pub(super) fn sequence_map(
        &mut self,
        f: &mut Frame,
        n: &NodeProto,
        x: &[Option<Value>],
    ) -> Result<Vec<Option<Value>>> {
        let refuse = |what: String| Error::Node { name: n.name.clone(), op: n.op_type.clone(), what };
        let Some(body) = n.attribute.iter().find(|a| a.name == "body").and_then(|a| a.g.as_ref()) else {
            return Err(refuse("attribute body is missing, expected a graph: it is required".into()));
        };
        let sequence = |v: &Option<Value>| v.is_some_and(|v| f.graph.fact(v).form.is_sequence());
        let sequences: Vec<bool> = x.iter().map(sequence).collect();
        if sequences.first() != Some(&true) || x.contains(&None) {
            return Err(refuse("expected a sequence and after it sequences or tensors".into()));
        }
        if body.input.len() != x.len() || body.output.len() < n.output.len() {
            let what = format!("body has {} inputs and {} outputs", body.input.len(), body.output.len());
            return Err(refuse(format!("{what}, expected {} and {}", x.len(), n.output.len())));
        }
        let name = self.names.unique(&format!("{}/map", n.output.first().map_or("", String::as_str)));
        let operands: Vec<String> = (0..x.len()).map(|k| format!("{name}/x{k}")).collect();
        operands.iter().zip(x).for_each(|(name, v)| f.env.bind(name, *v));
        let mut nodes = vec![node("SequenceLength", &operands[..1], &[format!("{name}/count")], vec![])];
        for (k, o) in body.output.iter().enumerate() {
            let dtype = int("dtype", element_type(o).map_err(refuse)?.to_onnx().into());
            nodes.push(node("SequenceEmpty", &[], &[format!("{name}/empty{k}")], vec![dtype]));
        }
        let loop_body = loop_body(&name, body, &operands, &sequences);
        let mut operands = vec![format!("{name}/count"), String::new()];
        operands.extend((0..body.output.len()).map(|k| format!("{name}/empty{k}")));
        let body = AttributeProto { name: "body".into(), r#type: ty::GRAPH, g: Some(loop_body), ..Default::default() };
        let results: Vec<String> = (0..body_outputs(&body)).map(|k| format!("{name}/result{k}")).collect();
        nodes.push(NodeProto { name: n.name.clone(), ..node("Loop", &operands, &results, vec![body]) });
        self.nodes(f, &name, &nodes)?;
        Ok(results.iter().map(|r| f.env.value(r)).collect())
    }
}

/// Number of carried values of the body of a loop.
fn body_outputs(body: &AttributeProto) -> usize {
    body.g.as_ref().map_or(0, |g| g.output.len() - 1)
}

/// The body of the loop: takes tensors out of the sequences, does what `body` does, and appends what that gives.
fn loop_body(name: &str, body: &GraphProto, x: &[String], sequences: &[bool]) -> GraphProto {
    let (step, go) = (format!("{name}/step"), format!("{name}/go"));
    let value = |name: String| ValueInfoProto { name, r#type: None };
    let mut g = GraphProto { name: body.name.clone(), initializer: body.initializer.clone(), ..Default::default() };
    g.sparse_initializer = body.sparse_initializer.clone();
    g.input = [step.clone(), go.clone()].into_iter().map(value).collect();
    g.output = vec![value(format!("{go}_on"))];
    g.node.push(node("Identity", &[go], &[format!("{name}/go_on")], vec![]));
    for ((outer, inner), sequence) in x.iter().zip(&body.input).zip(sequences) {
        let (op, operands) = match sequence {
            true => ("SequenceAt", vec![outer.clone(), step.clone()]),
            false => ("Identity", vec![outer.clone()]),
        };
        g.node.push(node(op, &operands, std::slice::from_ref(&inner.name), vec![]));
    }
    g.node.extend(body.node.iter().cloned());
    for (k, o) in body.output.iter().enumerate() {
        let (so_far, next) = (format!("{name}/so_far{k}"), format!("{name}/next{k}"));
        g.node.push(node("SequenceInsert", &[so_far.clone(), o.name.clone()], std::slice::from_ref(&next), vec![]));
        g.input.push(value(so_far));
        g.output.push(value(next));
    }
    g
}

/// The element type that a body declares of a result.
fn element_type(v: &ValueInfoProto) -> std::result::Result<DType, String> {
    match v.r#type.as_ref().and_then(|t| t.value.as_ref()) {
        Some(TypeValue::Tensor(t)) => tensor::dtype(t.elem_type),
        _ => Err(format!("output {:?} of the body has no declared type, expected a tensor", v.name)),
    }
}

fn node(op: &str, input: &[String], output: &[String], attribute: Vec<AttributeProto>) -> NodeProto {
    let (input, output) = (input.to_vec(), output.to_vec());
    NodeProto { op_type: op.into(), input, output, attribute, ..Default::default() }
}

fn int(name: &str, v: i64) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: ty::INT, i: Some(v), ..Default::default() }
}
