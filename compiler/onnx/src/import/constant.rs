//! `Constant`: one attribute that says its value.

use crate::Result;
use dlc_ir::{Attr, Attrs, Tensor, bail};

/// The tensor of a `Constant` node. <https://onnx.ai/onnx/operators/onnx__Constant.html>
pub fn value(attrs: &Attrs) -> Result<Tensor> {
    Ok(read(attrs)?)
}

fn read(attrs: &Attrs) -> dlc_ir::Result<Tensor> {
    let mut all = attrs.iter();
    let (Some((name, v)), None) = (all.next(), all.next()) else {
        bail!("a constant has exactly one attribute, found {}", attrs.iter().count())
    };
    Ok(match (name.as_str(), v) {
        ("value" | "sparse_value", Attr::Tensor(t)) => (**t).clone(),
        ("value_float", Attr::Float(v)) => Tensor::f32(&[], &[*v]),
        ("value_int", Attr::Int(v)) => Tensor::i64(&[], &[*v]),
        ("value_floats", Attr::Floats(v)) => Tensor::f32(&[v.len()], v),
        ("value_ints", Attr::Ints(v)) => Tensor::i64(&[v.len()], v),
        ("value_string", Attr::Str(v)) => Tensor::of_strings(&[], [v.as_str()]),
        ("value_strings", Attr::Strs(v)) => Tensor::of_strings(&[v.len()], v.iter().map(String::as_str)),
        ("value_strings", Attr::Ints(v)) if v.is_empty() => Tensor::of_strings(&[0], [] as [&str; 0]),
        ("value_floats", Attr::Ints(v)) if v.is_empty() => Tensor::f32(&[0], &[]),
        _ => bail!("attribute {name:?} is not the value of a constant"),
    })
}
