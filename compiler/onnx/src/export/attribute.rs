//! Attributes and constants as messages.

use crate::packed;
use crate::proto::{AttributeProto, GraphProto, TensorProto, attribute_type as ty};
use bytes::Bytes;
use dlc_ir::{Attr, Tensor};

/// The message of an attribute that is no graph.
pub fn attribute(name: &str, a: &Attr) -> AttributeProto {
    let bytes = |s: &String| Bytes::copy_from_slice(s.as_bytes());
    let mut out = AttributeProto { name: name.into(), ..Default::default() };
    out.r#type = match a {
        Attr::Int(_) => ty::INT,
        Attr::Float(_) => ty::FLOAT,
        Attr::Str(_) => ty::STRING,
        Attr::Ints(_) => ty::INTS,
        Attr::Floats(_) => ty::FLOATS,
        Attr::Strs(_) => ty::STRINGS,
        Attr::Tensor(_) => ty::TENSOR,
        Attr::Graph(_) => ty::GRAPH,
        Attr::Type(_) => ty::TYPE_PROTO,
    };
    match a {
        Attr::Int(v) => out.i = Some(*v),
        Attr::Float(v) => out.f = Some(*v),
        Attr::Str(v) => out.s = Some(bytes(v)),
        Attr::Ints(v) => out.ints = v.clone(),
        Attr::Floats(v) => out.floats = v.clone(),
        Attr::Strs(v) => out.strings = v.iter().map(bytes).collect(),
        Attr::Tensor(t) => out.t = Some(tensor("", t)),
        Attr::Graph(_) => {}
        Attr::Type(f) => out.tp = Some(super::graph::type_message(f)),
    }
    out
}

/// The message of a subgraph.
pub fn subgraph(name: &str, g: GraphProto) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: ty::GRAPH, g: Some(g), ..Default::default() }
}

/// The message of a constant, sharing its bytes unless they are packed.
pub fn tensor(name: &str, t: &Tensor) -> TensorProto {
    let text = t.dtype() == dlc_ir::DType::Str;
    TensorProto {
        name: name.into(),
        dims: t.shape().iter().map(|d| *d as i64).collect(),
        data_type: t.dtype().to_onnx(),
        raw_data: (!text).then(|| packed::pack(t)),
        string_data: t.strings().map(|s| Bytes::copy_from_slice(s.as_bytes())).collect(),
        ..Default::default()
    }
}
