//! Attributes of nodes.

use crate::external::External;
use crate::proto::{AttributeProto, attribute_type as ty};
use crate::{Result, dims, tensor};
use bytes::Bytes;
use dlc_ir::{Attr, Attrs, bail};
use std::sync::Arc;

/// All attributes that are no graph.
pub fn attrs(list: &[AttributeProto], external: &mut External) -> Result<Attrs> {
    let mut out = Attrs::new();
    for a in list.iter().filter(|a| kind(a) != ty::GRAPH) {
        out.set(&a.name, value(a, external)?);
    }
    Ok(out)
}

/// The kind an attribute declares or, in the first files, the field it fills.
fn kind(a: &AttributeProto) -> i32 {
    let filled = [
        (a.f.is_some(), ty::FLOAT),
        (a.i.is_some(), ty::INT),
        (a.s.is_some(), ty::STRING),
        (a.t.is_some(), ty::TENSOR),
        (a.g.is_some(), ty::GRAPH),
        (a.sparse_tensor.is_some(), ty::SPARSE_TENSOR),
        (a.tp.is_some(), ty::TYPE_PROTO),
        (!a.floats.is_empty(), ty::FLOATS),
        (!a.ints.is_empty(), ty::INTS),
        (!a.strings.is_empty(), ty::STRINGS),
    ];
    match a.r#type {
        0 => filled.iter().find(|f| f.0).map_or(ty::INTS, |f| f.1),
        declared => declared,
    }
}

fn value(a: &AttributeProto, external: &mut External) -> Result<Attr> {
    if let (ty::TYPE_PROTO, Some(t)) = (kind(a), &a.tp) {
        return Ok(dims::type_fact(t, &a.name)?.into());
    }
    Ok(match (kind(a), &a.t, &a.sparse_tensor) {
        (ty::FLOAT, ..) => Attr::Float(a.f.unwrap_or(0.0)),
        (ty::INT, ..) => Attr::Int(a.i.unwrap_or(0)),
        (ty::STRING, ..) => Attr::Str(text(&a.name, a.s.as_ref().unwrap_or(&Bytes::new()))?),
        (ty::FLOATS, ..) => Attr::Floats(a.floats.clone()),
        (ty::INTS, ..) => Attr::Ints(a.ints.clone()),
        (ty::STRINGS, ..) => Attr::Strs(a.strings.iter().map(|s| text(&a.name, s)).collect::<dlc_ir::Result<_>>()?),
        (ty::TENSOR, Some(t), _) => Attr::Tensor(Arc::new(tensor::read(t, external)?)),
        (ty::SPARSE_TENSOR, _, Some(s)) => Attr::Tensor(Arc::new(tensor::read_sparse(s, external)?)),
        (other, ..) => return Err(unsupported(&a.name, other).into()),
    })
}

fn unsupported(name: &str, kind: i32) -> dlc_ir::Error {
    let what = match kind {
        ty::TENSOR | ty::SPARSE_TENSOR => "an absent tensor",
        ty::TENSORS => "a list of tensors",
        ty::GRAPHS => "a list of graphs",
        ty::TYPE_PROTO => "an absent type",
        _ => "a value of unknown kind",
    };
    dlc_ir::Error::op(format!(
        "attribute {name:?} is {what}, expected a number, text, a list of them, a tensor, a graph or a type"
    ))
}

fn text(name: &str, bytes: &[u8]) -> dlc_ir::Result<String> {
    match std::str::from_utf8(bytes) {
        Ok(s) => Ok(s.into()),
        Err(_) => bail!("attribute {name:?} is not UTF-8 text"),
    }
}
