//! Models written by hand, read and run.

mod control;
mod export;
mod external;
mod forms;
mod function;
mod gradient;
mod hostile;
mod import;
mod minimize;
mod parser;
mod upgrade;

use crate::proto::*;
use crate::{LoadOptions, Model, Result, load_bytes};
use dlc_ir::{DType, Tensor};
use prost::Message;

/// Names in a list; an empty one is omitted.
fn names(v: &[&str]) -> Vec<String> {
    v.iter().map(|s| s.to_string()).collect()
}

fn node(op: &str, input: &[&str], output: &[&str], attribute: Vec<AttributeProto>) -> NodeProto {
    NodeProto { op_type: op.into(), input: names(input), output: names(output), attribute, ..Default::default() }
}

fn attr(name: &str) -> AttributeProto {
    AttributeProto { name: name.into(), ..Default::default() }
}

fn int(name: &str, v: i64) -> AttributeProto {
    AttributeProto { i: Some(v), r#type: attribute_type::INT, ..attr(name) }
}

fn float(name: &str, v: f32) -> AttributeProto {
    AttributeProto { f: Some(v), r#type: attribute_type::FLOAT, ..attr(name) }
}

fn ints(name: &str, v: &[i64]) -> AttributeProto {
    AttributeProto { ints: v.to_vec(), r#type: attribute_type::INTS, ..attr(name) }
}

fn floats(name: &str, v: &[f32]) -> AttributeProto {
    AttributeProto { floats: v.to_vec(), r#type: attribute_type::FLOATS, ..attr(name) }
}

fn text(name: &str, v: &str) -> AttributeProto {
    AttributeProto { s: Some(v.as_bytes().to_vec().into()), r#type: attribute_type::STRING, ..attr(name) }
}

fn graph_attr(name: &str, g: GraphProto) -> AttributeProto {
    AttributeProto { g: Some(g), r#type: attribute_type::GRAPH, ..attr(name) }
}

/// A declared value; numbers are sizes, other words names, `?` is absent.
fn value(name: &str, dtype: DType, shape: &[&str]) -> ValueInfoProto {
    let size = |s: &&str| match s.parse() {
        Ok(v) => Some(DimensionValue::Value(v)),
        Err(_) if *s == "?" => None,
        Err(_) => Some(DimensionValue::Param(s.to_string())),
    };
    let dim = shape.iter().map(|s| Dimension { value: size(s) }).collect();
    let t = TensorType { elem_type: dtype.to_onnx(), shape: Some(TensorShapeProto { dim }) };
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { value: Some(TypeValue::Tensor(t)) }) }
}

fn raw(name: &str, t: &Tensor) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: t.shape().iter().map(|d| *d as i64).collect(),
        data_type: t.dtype().to_onnx(),
        raw_data: Some(t.bytes().clone()),
        ..Default::default()
    }
}

fn graph(input: Vec<ValueInfoProto>, node: Vec<NodeProto>, output: &[&str]) -> GraphProto {
    let output = output.iter().map(|o| ValueInfoProto { name: o.to_string(), r#type: None }).collect();
    GraphProto { name: "g".into(), input, node, output, ..Default::default() }
}

fn model(opset: i64, graph: GraphProto) -> ModelProto {
    let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: opset }];
    ModelProto { ir_version: 8, opset_import, graph: Some(graph), ..Default::default() }
}

fn load(m: &ModelProto) -> Result<Model> {
    load_bytes(m.encode_to_vec().into(), None, &LoadOptions::default())
}

fn error(m: &ModelProto) -> String {
    load(m).expect_err("the model is refused").to_string()
}

fn run(m: &ModelProto, x: &[Tensor]) -> Vec<Tensor> {
    let g = load(m).unwrap_or_else(|e| panic!("{e}")).graph;
    dlc_ir::verify::verify(&g).unwrap_or_else(|e| panic!("{e}"));
    dlc_ir::interp::run(&g, x).unwrap_or_else(|e| panic!("{e}"))
}

/// 0, 1, 2, .. in a shape.
fn count(shape: &[usize]) -> Tensor {
    let data: Vec<f32> = (0..shape.iter().product()).map(|v| v as f32).collect();
    Tensor::f32(shape, &data)
}
