//! An independent parser agrees with ours: what it writes we read, and what we write of that it reads as the same.

use super::*;
use onnx_protobuf as other;
use onnx_protobuf::Message as _;

/// The other parser's message, read by ours, written by ours and read by the other.
fn through_ours(m: &other::ModelProto) -> other::ModelProto {
    let ours = ModelProto::decode(bytes::Bytes::from(m.write_to_bytes().unwrap())).unwrap();
    other::ModelProto::parse_from_bytes(&ours.encode_to_vec()).unwrap()
}

fn other_tensor() -> other::TensorProto {
    let entry = |k: &str| other::StringStringEntryProto { key: k.into(), value: "v".into(), ..Default::default() };
    other::TensorProto {
        name: "t".into(),
        dims: vec![2, 300],
        data_type: 16,
        float_data: vec![1.5, -2.0],
        int32_data: vec![-1, 70000],
        string_data: vec![b"s".to_vec()],
        int64_data: vec![i64::MIN, 5],
        raw_data: vec![1, 2, 3],
        external_data: vec![entry("location")],
        data_location: other::tensor_proto::DataLocation::EXTERNAL.into(),
        double_data: vec![0.25],
        uint64_data: vec![u64::MAX],
        ..Default::default()
    }
}

fn other_attribute(g: other::GraphProto) -> other::AttributeProto {
    other::AttributeProto {
        name: "a".into(),
        ref_attr_name: "r".into(),
        type_: other::attribute_proto::AttributeType::GRAPH.into(),
        f: 0.5,
        i: -7,
        s: b"text".to_vec(),
        t: Some(other_tensor()).into(),
        g: Some(g).into(),
        sparse_tensor: Some(other_sparse()).into(),
        floats: vec![1.0, 2.0],
        ints: vec![-1, 1 << 40],
        strings: vec![b"x".to_vec(), vec![]],
        tensors: vec![other_tensor()],
        graphs: vec![other::GraphProto { name: "inner".into(), ..Default::default() }],
        ..Default::default()
    }
}

fn other_sparse() -> other::SparseTensorProto {
    let (values, indices) = (Some(other_tensor()).into(), Some(other_tensor()).into());
    other::SparseTensorProto { values, indices, dims: vec![4, 5], ..Default::default() }
}

fn other_value(name: &str) -> other::ValueInfoProto {
    use other::tensor_shape_proto::{Dimension, dimension::Value as Size};
    use other::type_proto::{Sequence, Tensor, Value};
    let dim = |v| Dimension { value: Some(v), ..Default::default() };
    let dims = vec![dim(Size::DimValue(3)), dim(Size::DimParam("n".into())), Dimension::default()];
    let shape = Some(other::TensorShapeProto { dim: dims, ..Default::default() }).into();
    let tensor = Value::TensorType(Tensor { elem_type: 7, shape, ..Default::default() });
    let element = other::TypeProto { value: Some(tensor.clone()), ..Default::default() };
    let sequence = Value::SequenceType(Sequence { elem_type: Some(element).into(), ..Default::default() });
    let value = if name.is_empty() { sequence } else { tensor };
    let type_ = Some(other::TypeProto { value: Some(value), ..Default::default() }).into();
    other::ValueInfoProto { name: name.into(), type_, ..Default::default() }
}

fn other_node(g: other::GraphProto) -> other::NodeProto {
    other::NodeProto {
        input: vec!["a".into(), String::new()],
        output: vec!["b".into()],
        name: "n".into(),
        op_type: "Op".into(),
        domain: "d".into(),
        overload: "o".into(),
        attribute: vec![other_attribute(g)],
        ..Default::default()
    }
}

fn other_graph(depth: usize) -> other::GraphProto {
    let node = if depth == 0 { vec![] } else { vec![other_node(other_graph(depth - 1))] };
    other::GraphProto {
        node,
        name: format!("g{depth}"),
        initializer: vec![other_tensor()],
        sparse_initializer: vec![other_sparse()],
        input: vec![other_value("x"), other_value("")],
        output: vec![other_value("y")],
        value_info: vec![other_value("v")],
        ..Default::default()
    }
}

#[test]
fn every_field_has_its_number() {
    let opset = |d: &str| other::OperatorSetIdProto { domain: d.into(), version: 13, ..Default::default() };
    let function = other::FunctionProto {
        name: "f".into(),
        input: vec!["a".into()],
        output: vec!["b".into()],
        attribute: vec!["c".into()],
        attribute_proto: vec![other_attribute(other_graph(0))],
        node: vec![other_node(other_graph(0))],
        opset_import: vec![opset("")],
        domain: "local".into(),
        overload: "v".into(),
        ..Default::default()
    };
    let property = other::StringStringEntryProto { key: "k".into(), value: "v".into(), ..Default::default() };
    let m = other::ModelProto {
        ir_version: 9,
        opset_import: vec![opset(""), opset("local")],
        producer_name: "p".into(),
        producer_version: "1".into(),
        graph: Some(other_graph(2)).into(),
        metadata_props: vec![property],
        functions: vec![function],
        ..Default::default()
    };
    assert_eq!(through_ours(&m), m);
}

/// What we export is what the other parser reads, of every network there is.
#[test]
fn exported_models_are_read_alike() {
    for m in dlc_models::MODELS {
        let bytes = crate::export(&(m.build)(1)).unwrap();
        let theirs = other::ModelProto::parse_from_bytes(&bytes).unwrap();
        let ours = ModelProto::decode(bytes::Bytes::from(bytes)).unwrap();
        let (g, h) = (ours.graph.as_ref().unwrap(), &theirs.graph);
        let name = |n: &str| n.to_string();
        assert_eq!(
            g.node.iter().map(|n| name(&n.op_type)).collect::<Vec<_>>(),
            h.node.iter().map(|n| name(&n.op_type)).collect::<Vec<_>>()
        );
        for (a, b) in g.initializer.iter().zip(&h.initializer) {
            assert_eq!((&a.name, &a.dims, a.raw_data.as_deref()), (&b.name, &b.dims, Some(&b.raw_data[..])));
        }
        assert_eq!(through_ours(&theirs), theirs, "{}", m.name);
    }
}
