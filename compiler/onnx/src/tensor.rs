//! A `TensorProto` as a tensor, sharing its bytes where it has raw data.

use crate::external::External;
use crate::proto::{SparseTensorProto, TensorProto};
use crate::{Error, Result, packed};
use bytes::Bytes;
use dlc_ir::{DType, Tensor};

/// The element type with this number, or a refusal that names it.
pub fn dtype(code: i32) -> std::result::Result<DType, String> {
    DType::from_onnx(code).ok_or_else(|| {
        let name = OTHER_TYPES.iter().find(|t| t.0 == code).map_or("unknown", |t| t.1);
        format!("element type {code} ({name}) is not supported")
    })
}

/// Element types of ONNX that we have not, by number.
const OTHER_TYPES: &[(i32, &str)] =
    &[(0, "undefined"), (14, "complex64"), (15, "complex128"), (27, "float6e2m3"), (28, "float6e3m2")];

/// The tensor a message describes.
pub fn read(t: &TensorProto, external: &mut External) -> Result<Tensor> {
    let refuse = |what: String| Error::tensor(&t.name, what);
    let dtype = dtype(t.data_type).map_err(refuse)?;
    let shape = shape(&t.dims).map_err(refuse)?;
    if dtype == DType::Str {
        external.hold(&t.name, stored_strings(t))?;
        return strings(t, &shape).map_err(refuse);
    }
    let elements = count(&shape).map_err(refuse)?;
    let need = packed::bytes(dtype, elements).ok_or_else(|| refuse(format!("dims {shape:?} overflow")))?;
    let bytes = match (t.data_location, &t.raw_data) {
        (1, _) => external.bytes(t, need)?,
        (0, Some(raw)) if !raw.is_empty() || need == 0 => raw.clone(),
        (0, _) => {
            external.hold(&t.name, need.min(stored(t)))?;
            typed(t, dtype).map_err(refuse)?
        }
        (other, _) => return Err(refuse(format!("data location {other}, expected 0 or 1"))),
    };
    if bytes.len() != need {
        return Err(refuse(format!("{} bytes of data, expected {need} for {dtype}{shape:?}", bytes.len())));
    }
    if dtype.bits() < 8 {
        external.hold(&t.name, elements)?;
    }
    Ok(Tensor::from_bytes(dtype, &shape, packed::unpack(dtype, elements, bytes))?)
}

/// Strings are a field of their own; they are never raw or in another file.
fn strings(t: &TensorProto, shape: &[usize]) -> std::result::Result<Tensor, String> {
    let (need, found) = (shape.iter().try_fold(1usize, |p, d| p.checked_mul(*d)), t.string_data.len());
    if need != Some(found) || t.data_location != 0 {
        return Err(format!("{found} strings in string_data, expected one for each element of {shape:?}"));
    }
    let text = |s: &Bytes| std::str::from_utf8(s).map(String::from).map_err(|_| "a string is not UTF-8".to_string());
    let all: Vec<String> = t.string_data.iter().map(text).collect::<std::result::Result<_, _>>()?;
    Ok(Tensor::of_strings(shape, all))
}

/// Most bytes that the typed fields of a tensor may become.
fn stored(t: &TensorProto) -> usize {
    let words = t.float_data.len() + t.int32_data.len();
    4 * words + 8 * (t.double_data.len() + t.int64_data.len() + t.uint64_data.len())
}

/// Most bytes that strings take while they are sorted into a table: each twice, with its headers and its number.
fn stored_strings(t: &TensorProto) -> usize {
    t.string_data.iter().map(|s| 2 * s.len() + STRING).sum()
}

/// Bytes of a string besides its letters: in a list, in a table, and the number that stands for it.
const STRING: usize = 96;

fn shape(dims: &[i64]) -> std::result::Result<Vec<usize>, String> {
    let size = |d: &i64| usize::try_from(*d).map_err(|_| format!("dims {dims:?} contain a negative size"));
    dims.iter().map(size).collect()
}

fn count(shape: &[usize]) -> std::result::Result<usize, String> {
    let elements = shape.iter().try_fold(1usize, |p, d| p.checked_mul(*d));
    elements.ok_or_else(|| format!("dims {shape:?} overflow"))
}

/// The bytes of the typed field that a type uses: elements of fewer than 8 bits are packed there too.
fn typed(t: &TensorProto, dtype: DType) -> std::result::Result<Bytes, String> {
    let low = |n: usize| t.int32_data.iter().flat_map(|v| v.to_le_bytes().into_iter().take(n)).collect::<Vec<u8>>();
    Ok(Bytes::from(match dtype {
        DType::F32 => t.float_data.iter().flat_map(|v| v.to_le_bytes()).collect(),
        DType::F64 => t.double_data.iter().flat_map(|v| v.to_le_bytes()).collect(),
        DType::I64 => t.int64_data.iter().flat_map(|v| v.to_le_bytes()).collect(),
        DType::U64 => t.uint64_data.iter().flat_map(|v| v.to_le_bytes()).collect(),
        DType::U32 => t.uint64_data.iter().flat_map(|v| (*v as u32).to_le_bytes()).collect(),
        DType::Bool => t.int32_data.iter().map(|v| (*v != 0) as u8).collect(),
        DType::I32 => low(4),
        DType::F16 | DType::BF16 | DType::I16 | DType::U16 => low(2),
        DType::Str => return Err("strings have no bytes".into()),
        _ => low(1),
    }))
}

/// Most bytes that a sparse constant may fill when written out.
const DENSE_LIMIT: usize = 1 << 30;

/// A sparse constant, written out.
pub fn read_sparse(s: &SparseTensorProto, external: &mut External) -> Result<Tensor> {
    let values = s.values.as_ref().ok_or_else(|| Error::tensor("", "sparse tensor without values"))?;
    let refuse = |what: String| Error::tensor(&values.name, what);
    let shape = shape(&s.dims).map_err(refuse)?;
    let v = read(values, external)?;
    if v.dtype() == DType::Str {
        return Err(refuse("a sparse tensor of strings is not supported".into()));
    }
    let need = count(&shape).map_err(refuse)?.saturating_mul(v.dtype().size());
    if need > DENSE_LIMIT {
        return Err(refuse(format!("sparse tensor of {shape:?} is too large to be written out")));
    }
    external.hold(&values.name, need)?;
    let at = match &s.indices {
        Some(i) => read(i, external)?,
        None => Tensor::i64(&[0], &[]),
    };
    let (mut dense, size) = (vec![0u8; need], v.dtype().size());
    for (p, element) in positions(&at, &shape, v.len()).map_err(refuse)?.into_iter().zip(v.bytes().chunks(size)) {
        let place = p.checked_mul(size).and_then(|at| dense.get_mut(at..at.checked_add(size)?));
        place.ok_or_else(|| refuse(format!("position {p} is outside of {shape:?}")))?.copy_from_slice(element);
    }
    Ok(Tensor::from_bytes(v.dtype(), &shape, dense.into())?)
}

/// Row-major positions from `[n]` positions or `[n, rank]` indices.
fn positions(at: &Tensor, shape: &[usize], n: usize) -> std::result::Result<Vec<usize>, String> {
    let flat = match at.shape() {
        [k] if *k == n => at.to_i64(),
        [k, rank] if *k == n && *rank == shape.len() => {
            let steps = dlc_ir::tensor::strides(shape);
            if at.to_i64().iter().enumerate().any(|(i, v)| *v < 0 || *v as usize >= shape[i % rank]) {
                return Err(format!("an index is outside of {shape:?}"));
            }
            let row = |r: &[i64]| r.iter().zip(&steps).map(|(i, s)| i * *s as i64).sum();
            at.to_i64().chunks(*rank.max(&1)).map(row).collect()
        }
        other => return Err(format!("indices have shape {other:?}, expected [{n}] or [{n}, {}]", shape.len())),
    };
    flat.into_iter().map(|p| usize::try_from(p).map_err(|_| format!("position {p} is negative"))).collect()
}
