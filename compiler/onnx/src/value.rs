//! Values of any form as files: a `TensorProto`, `SequenceProto` or `OptionalProto` by the form.

use crate::export::tensor_message;
use crate::external::External;
use crate::proto::{OptionalProto, SequenceProto, TensorProto, element_kind as kind};
use crate::{Error, Result, decode, tensor};
use bytes::Bytes;
use dlc_ir::form::Items;
use dlc_ir::{DType, Form, Tensor};
use prost::Message;

/// Of an empty list, files do not say the element type.
const UNTYPED: DType = DType::F32;

/// The value of form `form` that a file holds. Where no tensor is in it its element type is f32.
pub fn read(bytes: Bytes, form: Form) -> Result<Tensor> {
    match (form.is_optional(), form.is_sequence()) {
        (true, wants_sequence) => optional(&decode::<OptionalProto>("OptionalProto", bytes)?, wants_sequence),
        (false, true) => sequence(&decode::<SequenceProto>("SequenceProto", bytes)?),
        (false, false) => element(&decode::<TensorProto>("TensorProto", bytes)?),
    }
}

fn element(t: &TensorProto) -> Result<Tensor> {
    tensor::read(t, &mut External::default())
}

fn sequence(s: &SequenceProto) -> Result<Tensor> {
    let others = s.sparse_tensor_values.len() + s.sequence_values.len() + s.optional_values.len();
    if others > 0 || ![kind::UNDEFINED, kind::TENSOR].contains(&s.elem_type) {
        return Err(Error::Unsupported { what: "sequences of anything but tensors".into() });
    }
    let items: Vec<Tensor> = s.tensor_values.iter().map(element).collect::<Result<_>>()?;
    let dtype = items.first().map_or(UNTYPED, Tensor::dtype);
    match items.iter().find(|t| t.dtype() != dtype) {
        Some(t) => Err(Error::tensor(&s.name, format!("a sequence has {dtype} and {}, expected one type", t.dtype()))),
        None => Ok(Tensor::sequence(dtype, items)),
    }
}

fn optional(o: &OptionalProto, wants_sequence: bool) -> Result<Tensor> {
    let value = match (&o.tensor_value, &o.sequence_value) {
        _ if o.sparse_tensor_value.is_some() || o.optional_value.is_some() => {
            return Err(Error::Unsupported { what: "optionals of sparse tensors and of optionals".into() });
        }
        (Some(t), _) => element(t)?,
        (None, Some(s)) => sequence(s)?,
        (None, None) => return Ok(Tensor::absent(UNTYPED, wants_sequence)),
    };
    match value.as_sequence().is_ok() == wants_sequence {
        true => Ok(value),
        false => Err(Error::tensor(&o.name, format!("an optional holds {}, expected another kind", value.type_fact()))),
    }
}

/// The bytes of a file that holds `t` as a value of form `form`.
pub fn write(t: &Tensor, form: Form) -> Vec<u8> {
    let items = |items: &[Tensor]| SequenceProto {
        elem_type: kind::TENSOR,
        tensor_values: items.iter().map(|t| tensor_message("", t)).collect(),
        ..Default::default()
    };
    match (t.items(), form.is_optional()) {
        (None, false) => tensor_message("", t).encode_to_vec(),
        (Some(Items::Sequence(v)), false) => items(v).encode_to_vec(),
        (held, _) => {
            let mut o = OptionalProto { elem_type: kind::TENSOR, ..Default::default() };
            match held {
                None => o.tensor_value = Some(tensor_message("", t)),
                Some(Items::Sequence(v)) => (o.elem_type, o.sequence_value) = (kind::SEQUENCE, Some(items(v))),
                Some(Items::NoSequence) => o.elem_type = kind::SEQUENCE,
                Some(Items::NoTensor) => {}
            }
            o.encode_to_vec()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlc_ir::form::Rank;

    #[test]
    fn values_survive_a_file() {
        let t = Tensor::f32(&[2], &[1.0, -2.5]);
        let s = Tensor::sequence(DType::F32, vec![t.clone(), Tensor::f32(&[], &[3.0])]);
        let none = |sequence| Tensor::absent(UNTYPED, sequence);
        for (v, form) in [
            (t.clone(), Form::Dense),
            (s.clone(), Form::Sequence(Rank::Open)),
            (Tensor::sequence(UNTYPED, vec![]), Form::Sequence(Rank::Never)),
            (t, Form::Optional(Rank::Known)),
            (s, Form::OptionalSequence(Rank::Open)),
            (none(false), Form::Optional(Rank::Open)),
            (none(true), Form::OptionalSequence(Rank::Open)),
        ] {
            assert_eq!(read(write(&v, form).into(), form).unwrap(), v, "{form:?}");
        }
    }

    #[test]
    fn another_kind_is_refused() {
        let t = Tensor::f32(&[2], &[1.0, -2.5]);
        let e = read(write(&t, Form::Optional(Rank::Known)).into(), Form::OptionalSequence(Rank::Open)).unwrap_err();
        assert_eq!(e.to_string(), "tensor \"\": an optional holds f32[2], expected another kind");
    }
}
