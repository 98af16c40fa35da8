//! Values at the border of a model that are no tensors: sequences and optionals.

use crate::tensor::{AlignedVec, element_size};
use crate::{Error, Result, Tensor};
use dlc_artifact::program::{Border, OPTIONAL, OPTIONAL_SEQUENCE, SEQUENCE, TENSOR};

/// An input or output of a model. An optional that is there is what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// One tensor.
    Tensor(Tensor),
    /// A list of tensors of one element type.
    Sequence(Vec<Tensor>),
    /// An optional that holds nothing.
    Absent,
}

/// What an input or output of a model is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// One tensor.
    #[default]
    Tensor,
    /// A list of tensors.
    Sequence,
    /// One tensor or none.
    Optional,
    /// A list of tensors or none.
    OptionalSequence,
}

impl Form {
    /// The form with this number in an artifact.
    pub(crate) fn of(b: &Border) -> Form {
        match b.form {
            SEQUENCE => Form::Sequence,
            OPTIONAL => Form::Optional,
            OPTIONAL_SEQUENCE => Form::OptionalSequence,
            _ => Form::Tensor,
        }
    }
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Value::Tensor(_) => "a tensor",
            Value::Sequence(_) => "a sequence",
            Value::Absent => "nothing",
        }
    }

    /// The tensors that it is passed to block 0 as.
    pub(crate) fn unpack(&self, b: &Border) -> Result<Vec<Tensor>> {
        let items: &[Tensor] = match (self, b.form) {
            (Value::Tensor(t), TENSOR) => return Ok(vec![t.clone()]),
            (Value::Tensor(t), OPTIONAL) => std::slice::from_ref(t),
            (Value::Sequence(v), SEQUENCE | OPTIONAL_SEQUENCE) => v,
            (Value::Absent, OPTIONAL | OPTIONAL_SEQUENCE) => &[],
            _ => return Err(wrong(b, expected(b), self.kind().into())),
        };
        let mut shapes = vec![];
        let mut data = AlignedVec::with_len(items.iter().map(|t| t.data().len()).sum())?;
        for t in items {
            shapes.extend(row(b, t)?);
            data.bytes.extend_from_slice(t.data());
        }
        let elements = items.iter().map(|t| t.dims().iter().product::<usize>()).sum();
        let shapes = Tensor::of(&[items.len(), b.row()], &shapes)?;
        let data = Tensor::new(b.dtype, &[elements], data.into_bytes())?;
        let there = Tensor::of(&[], &[!matches!(self, Value::Absent)])?;
        let optional = matches!(b.form, OPTIONAL | OPTIONAL_SEQUENCE);
        Ok(optional.then_some(there).into_iter().chain([shapes, data]).collect())
    }

    /// The value that block 0 gives as these tensors.
    pub(crate) fn pack(b: &Border, parts: &[Tensor]) -> Result<Value> {
        if let (TENSOR, [t]) = (b.form, parts) {
            return Ok(Value::Tensor(t.clone()));
        }
        let there = parts[0].to_vec::<bool>().is_none_or(|v| v == [true]);
        if b.form != SEQUENCE && !there {
            return Ok(Value::Absent);
        }
        let mut items = split(b, &parts[parts.len() - 2], &parts[parts.len() - 1])?;
        match (b.form, items.pop()) {
            (OPTIONAL, Some(t)) if items.is_empty() => Ok(Value::Tensor(t)),
            (OPTIONAL, _) => Err(wrong(b, "one tensor".into(), "another number of them".into())),
            (_, last) => {
                items.extend(last);
                Ok(Value::Sequence(items))
            }
        }
    }
}

/// The tensors of these shapes, whose elements are one after another.
fn split(b: &Border, shapes: &Tensor, data: &Tensor) -> Result<Vec<Tensor>> {
    let sizes = shapes.to_vec::<i64>().unwrap_or_default();
    let (n, row) = (shapes.dims()[0], shapes.dims()[1]);
    let (mut at, mut out) = (0, vec![]);
    for k in 0..n {
        let own = sizes[k * row..(k + 1) * row].iter().take_while(|d| **d >= 0);
        let dims: Vec<usize> = own.map(|d| usize::try_from(*d).unwrap_or(0)).collect();
        let size = element_size(b.dtype).unwrap_or(1);
        let bytes = dims.iter().try_fold(size, |n, d| n.checked_mul(*d)).and_then(|n| n.checked_add(at));
        let Some(end) = bytes.filter(|end| *end <= data.data().len()) else {
            return Err(wrong(b, format!("{} bytes", data.data().len()), format!("shapes of more, {dims:?}")));
        };
        out.push(Tensor::new(b.dtype, &dims, data.data().slice(at..end))?);
        at = end;
    }
    Ok(out)
}

/// The sizes of a tensor as a row of shapes.
fn row(b: &Border, t: &Tensor) -> Result<Vec<i64>> {
    let mut row: Vec<i64> = t.dims().iter().map(|d| i64::try_from(*d).unwrap_or(i64::MAX)).collect();
    let fits = match &b.dims {
        Some(dims) => row.len() == dims.len() && dims.iter().zip(&row).all(|(want, d)| *want < 0 || want == d),
        None => row.len() <= b.row(),
    };
    if t.dtype() != b.dtype || !fits {
        return Err(wrong(b, expected(b), format!("a tensor of type {} and shape {:?}", t.dtype(), t.dims())));
    }
    row.resize(b.row(), -1);
    Ok(row)
}

fn expected(b: &Border) -> String {
    let shape = match &b.dims {
        Some(dims) => {
            let dims: Vec<String> = dims.iter().map(|d| if *d < 0 { "*".into() } else { d.to_string() }).collect();
            format!("shape [{}]", dims.join(", "))
        }
        None => format!("up to {} axes", b.row()),
    };
    let what = match b.form {
        SEQUENCE => "a sequence of tensors",
        OPTIONAL => "nothing or a tensor",
        OPTIONAL_SEQUENCE => "nothing or a sequence of tensors",
        _ => "a tensor",
    };
    if b.form == TENSOR { what.into() } else { format!("{what} of type {} and {shape}", b.dtype) }
}

fn wrong(b: &Border, expected: String, found: String) -> Error {
    Error::Form { port: b.name.clone(), expected, found }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn border(form: u8, dims: Option<Vec<i64>>) -> Border {
        Border { name: "x".into(), form, dtype: 1, dims }
    }

    #[test]
    fn values_survive_their_tensors() {
        let t = |dims: &[usize]| Tensor::of(dims, &vec![0.5f32; dims.iter().product()]).unwrap();
        for (b, v) in [
            (border(SEQUENCE, Some(vec![2, -1])), Value::Sequence(vec![t(&[2, 3]), t(&[2, 0])])),
            (border(SEQUENCE, Some(vec![])), Value::Sequence(vec![t(&[]), t(&[])])),
            (border(SEQUENCE, None), Value::Sequence(vec![t(&[2, 3]), t(&[]), t(&[4])])),
            (border(OPTIONAL, Some(vec![2])), Value::Tensor(t(&[2]))),
            (border(OPTIONAL, None), Value::Absent),
            (border(OPTIONAL_SEQUENCE, None), Value::Sequence(vec![])),
            (border(OPTIONAL_SEQUENCE, None), Value::Absent),
            (border(TENSOR, None), Value::Tensor(t(&[2]))),
        ] {
            let parts = v.unpack(&b).unwrap();
            assert_eq!((parts.len(), Value::pack(&b, &parts).unwrap()), (b.parts(), v));
        }
    }

    #[test]
    fn other_values_are_refused() {
        let b = border(SEQUENCE, Some(vec![2, -1]));
        let t = Tensor::of(&[3, 1], &[0.0f32; 3]).unwrap();
        let e = |v: Value| v.unpack(&b).unwrap_err().to_string();
        let want = "`x`: expected a sequence of tensors of type 1 and shape [2, *], found ";
        assert_eq!(e(Value::Tensor(t.clone())), format!("{want}a tensor"));
        assert_eq!(e(Value::Sequence(vec![t])), format!("{want}a tensor of type 1 and shape [3, 1]"));
        assert_eq!(e(Value::Absent), format!("{want}nothing"));
    }
}
