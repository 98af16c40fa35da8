//! Declared types as facts: sizes given, named, computed from names, or absent.

use crate::proto::{Dimension, DimensionValue, ElementType, TensorType, TypeProto, TypeValue, ValueInfoProto};
use crate::{Error, Result, tensor};
use dlc_ir::form::Rank;
use dlc_ir::{Dim, Fact, Form};

/// The fact of a declared input. Sizes that are absent, zero or named `?` get the name `<input>_<axis>`; those of
/// sequences and optionals vary.
pub fn input_fact(v: &ValueInfoProto) -> Result<Fact> {
    match &v.r#type {
        Some(t) => type_fact(t, &v.name),
        None => Err(Error::tensor(&v.name, "input has no type")),
    }
}

/// The fact of a type that is declared for `name`.
pub fn type_fact(t: &TypeProto, name: &str) -> Result<Fact> {
    let refuse = || unsupported(t, name);
    match &t.value {
        Some(TypeValue::Tensor(t)) => match tensor_fact(t, name)? {
            f if f.form.is_dense() => Ok(f),
            _ => Err(Error::tensor(name, "input has no rank, expected a declared shape")),
        },
        Some(TypeValue::Sequence(e)) => match inner(e).and_then(|t| t.value.as_ref()) {
            Some(TypeValue::Tensor(t)) => tensor_fact(t, name).map(|f| Fact::sequence(f.dtype, Some(&f.varying()))),
            _ => Err(refuse()),
        },
        Some(TypeValue::Optional(e)) => match inner(e).map(|t| (t, &t.value)) {
            Some((_, Some(TypeValue::Tensor(t)))) => tensor_fact(t, name).map(|f| f.varying().optional()),
            Some((t, Some(TypeValue::Sequence(_)))) => type_fact(t, name).map(|f| f.optional()),
            _ => Err(refuse()),
        },
        Some(_) => Err(refuse()),
        None => Err(Error::tensor(name, "input has no type")),
    }
}

fn inner(e: &ElementType) -> Option<&TypeProto> {
    e.elem_type.as_deref()
}

/// Type and shape of a tensor that is declared; where even the rank is not given, of an optional of open rank.
fn tensor_fact(t: &TensorType, name: &str) -> Result<Fact> {
    let dtype = tensor::dtype(t.elem_type).map_err(|what| Error::tensor(name, what))?;
    let Some(shape) = &t.shape else { return Ok(Fact { form: Form::Optional(Rank::Open), ..Fact::new(dtype, []) }) };
    let dims = shape.dim.iter().enumerate().map(|(i, d)| size(d, name, i));
    Ok(Fact::new(dtype, dims.collect::<Result<Vec<_>>>()?))
}

/// The form of a declared value; dense where the type is none that is supported.
pub fn form(v: &ValueInfoProto) -> Form {
    let sequence =
        |e: &ElementType| matches!(e.elem_type.as_deref().map(|t| &t.value), Some(Some(TypeValue::Sequence(_))));
    match v.r#type.as_ref().and_then(|t| t.value.as_ref()) {
        Some(TypeValue::Sequence(_)) => Form::Sequence(Rank::Open),
        Some(TypeValue::Optional(e)) if sequence(e) => Form::OptionalSequence(Rank::Open),
        Some(TypeValue::Optional(_)) => Form::Optional(Rank::Open),
        _ => Form::Dense,
    }
}

fn unsupported(t: &TypeProto, name: &str) -> Error {
    let of = |e: &ElementType| match e.elem_type.as_deref().and_then(|t| t.value.as_ref()) {
        Some(t) => format!(" of {}", kind(t)),
        None => " of nothing".into(),
    };
    let what = match &t.value {
        Some(v @ (TypeValue::Sequence(e) | TypeValue::Optional(e))) => format!("{}{}", kind(v), of(e)),
        Some(v) => kind(v).into(),
        None => "none".into(),
    };
    Error::Unsupported { what: format!("inputs of type {what} ({name:?})") }
}

/// The declared rank of a tensor.
pub fn declared_rank(v: &ValueInfoProto) -> Option<usize> {
    match v.r#type.as_ref().and_then(|t| t.value.as_ref()) {
        Some(TypeValue::Tensor(t)) => t.shape.as_ref().map(|s| s.dim.len()),
        _ => None,
    }
}

fn kind(t: &TypeValue) -> &'static str {
    match t {
        TypeValue::Tensor(_) => "tensor",
        TypeValue::Sequence(_) => "sequence",
        TypeValue::Map(_) => "map",
        TypeValue::SparseTensor(_) => "sparse tensor",
        TypeValue::Optional(_) => "optional",
    }
}

fn size(d: &Dimension, input: &str, axis: usize) -> Result<Dim> {
    match &d.value {
        Some(DimensionValue::Value(v)) if *v > 0 => Ok((*v).into()),
        Some(DimensionValue::Value(v)) if *v < -1 => Err(Error::tensor(input, format!("size {v} of axis {axis}"))),
        Some(DimensionValue::Param(p)) if !ANONYMOUS.contains(&p.trim()) => Ok(parse(p)),
        _ => Ok(Dim::sym(&format!("{input}_{axis}"))),
    }
}

/// Names that exporters give to sizes they know nothing of.
const ANONYMOUS: &[&str] = &["", "?", "-1", "None"];

/// `past + 2*sequence - 1` as an expression when the text is a sum of products of names and integers; otherwise all of
/// it is one name. A minus sign counts only between blanks, for names such as `batch-size`.
pub fn parse(text: &str) -> Dim {
    sum(text).unwrap_or_else(|| Dim::sym(text.trim()))
}

fn sum(text: &str) -> Option<Dim> {
    let mut total = Dim::default();
    for (i, plus) in text.split('+').enumerate() {
        for (j, part) in plus.split(" - ").enumerate() {
            let p = product(part, i == 0 && j == 0)?;
            total = if j == 0 { total + p } else { total - p };
        }
    }
    Some(total)
}

fn product(text: &str, first: bool) -> Option<Dim> {
    let text = text.trim();
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) if first => (-1, rest),
        _ => (1, text),
    };
    text.split('*').map(factor).try_fold(Dim::from(sign), |p, f| Some(p * f?))
}

fn factor(text: &str) -> Option<Dim> {
    let text = text.trim();
    let word = |c: char| c.is_alphanumeric() || "_.:-/#@".contains(c);
    match text.parse::<i64>() {
        Ok(v) if v >= 0 => Some(v.into()),
        Ok(_) => None,
        Err(_) => (!text.is_empty() && text.chars().all(word)).then(|| Dim::sym(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_sizes_are_parsed_as_expressions() {
        let (p, s) = (Dim::sym("past"), Dim::sym("seq"));
        assert_eq!(parse("past + seq"), p.clone() + s.clone());
        assert_eq!(parse("2*past*seq - 1"), p * s * 2.into() - 1.into());
        assert_eq!(parse("batch-size"), Dim::sym("batch-size"));
        assert_eq!(parse("floor(a/2) + 1"), Dim::sym("floor(a/2) + 1"));
        assert_eq!(parse("3").as_const(), Some(3));
    }
}
