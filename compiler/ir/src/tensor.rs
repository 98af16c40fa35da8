//! Dense tensors, row-major, little-endian, sharing their bytes.

use crate::form::{Items, Shared};
use crate::strings::Table;
use crate::{DType, Dim, Error, Fact, Known, Result, bail, narrow};
use bytes::Bytes;
use half::{bf16, f16};
use std::fmt;
use std::sync::Arc;

/// One element, wide enough for every type: floats as f64, integers and bool as i128.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Num {
    F(f64),
    I(i128),
}

impl Num {
    /// As a float.
    pub fn f(self) -> f64 {
        match self {
            Num::F(v) => v,
            Num::I(v) => v as f64,
        }
    }

    /// As an integer; floats are truncated towards zero and saturate.
    pub fn i(self) -> i128 {
        match self {
            Num::F(v) => v as i128,
            Num::I(v) => v,
        }
    }

    /// Whether it is not zero.
    pub fn truth(self) -> bool {
        match self {
            Num::F(v) => v != 0.0,
            Num::I(v) => v != 0,
        }
    }
}

impl From<bool> for Num {
    fn from(v: bool) -> Num {
        Num::I(v as i128)
    }
}

/// An n-dimensional array. Cloning shares the bytes; a weight mapped from a file is never copied.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tensor {
    dtype: DType,
    shape: Vec<usize>,
    bytes: Bytes,
    /// What it holds if it is no tensor; it then has no element.
    items: Shared,
    /// Of strings: the table that elements number, sorted, without repetition, without what no element uses.
    table: Table,
}

impl Tensor {
    /// Takes the bytes as they are: `shape.product() * dtype.size()` of them, row-major, little-endian. Those of a type
    /// of fewer than 8 bits must be of values of the type. Strings get their table by
    /// [`Tensor::with_table`]; without one all are empty.
    pub fn from_bytes(dtype: DType, shape: &[usize], bytes: Bytes) -> Result<Self> {
        let want = shape.iter().try_fold(dtype.size(), |p, d| p.checked_mul(*d));
        if want != Some(bytes.len()) {
            bail!("tensor {dtype}{shape:?} needs {want:?} bytes, found {}", bytes.len());
        }
        if let Some(b) = bytes.iter().find(|b| dtype.bits() < 8 && !narrow::is_stored(dtype, **b)) {
            bail!("tensor {dtype}{shape:?} has byte {b:#04x}, expected elements of {} bits", dtype.bits());
        }
        Ok(Tensor { dtype, shape: shape.to_vec(), bytes, items: None, table: Table::default() })
    }

    /// Builds from elements, each rounded (floats) or wrapped (integers) to `dtype`.
    /// Panics if the number of elements is not that of the shape: a bug of the caller.
    pub fn new(dtype: DType, shape: &[usize], data: impl IntoIterator<Item = Num>) -> Self {
        let n: usize = shape.iter().product();
        let mut out = Vec::with_capacity(n * dtype.size());
        for v in data {
            encode(dtype, v, &mut out);
        }
        assert_eq!(out.len(), n * dtype.size(), "tensor {dtype}{shape:?}: wrong number of elements");
        Tensor { dtype, shape: shape.to_vec(), bytes: out.into(), items: None, table: Table::default() }
    }

    /// An f32 tensor.
    pub fn f32(shape: &[usize], data: &[f32]) -> Self {
        Tensor::new(DType::F32, shape, data.iter().map(|v| Num::F(*v as f64)))
    }

    /// An i64 tensor.
    pub fn i64(shape: &[usize], data: &[i64]) -> Self {
        Tensor::new(DType::I64, shape, data.iter().map(|v| Num::I(*v as i128)))
    }

    /// A tensor of any type from floats.
    pub fn floats(dtype: DType, shape: &[usize], data: &[f64]) -> Self {
        Tensor::new(dtype, shape, data.iter().map(|v| if dtype.is_float() { Num::F(*v) } else { Num::I(*v as i128) }))
    }

    /// A tensor without axes.
    pub fn scalar(dtype: DType, v: Num) -> Self {
        Tensor::new(dtype, &[], [v])
    }

    /// The same elements as numbers into this table.
    pub(crate) fn with_table(mut self, table: Table) -> Self {
        self.table = table;
        self
    }

    /// The strings that elements of type `str` number.
    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Extent of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.dtype.size()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The elements as stored.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The element at row-major position `i`.
    pub fn at(&self, i: usize) -> Num {
        decode(self.dtype, &self.bytes[i * self.dtype.size()..])
    }

    /// All elements, row-major.
    pub fn iter(&self) -> impl Iterator<Item = Num> + '_ {
        self.bytes.chunks_exact(self.dtype.size()).map(|b| decode(self.dtype, b))
    }

    /// All elements as floats.
    pub fn to_f64(&self) -> Vec<f64> {
        self.iter().map(Num::f).collect()
    }

    /// All elements as 32-bit floats.
    pub fn to_f32(&self) -> Vec<f32> {
        self.iter().map(|v| v.f() as f32).collect()
    }

    /// All elements as integers.
    pub fn to_i64(&self) -> Vec<i64> {
        self.iter().map(|v| v.i() as i64).collect()
    }

    /// The same elements under another shape of as many elements.
    pub fn reshape(&self, shape: &[usize]) -> Result<Self> {
        Ok(Tensor::from_bytes(self.dtype, shape, self.bytes.clone())?.with_table(self.table.clone()))
    }

    /// Elements converted as [`cast`] does. Not for strings: [`crate::strings::cast`].
    pub fn cast(&self, to: DType) -> Self {
        if to == self.dtype || self.items.is_some() {
            return self.clone();
        }
        Tensor::new(to, &self.shape, self.iter().map(|v| cast(v, to)))
    }

    /// Step in elements along each axis.
    pub fn strides(&self) -> Vec<usize> {
        strides(&self.shape)
    }

    /// What is known of this tensor; small integer tensors and all constants carry their value.
    pub fn fact(&self) -> Fact {
        if self.items.is_some() {
            return self.type_fact();
        }
        Fact { known: Some(Known::Tensor(Arc::new(self.clone()))), ..self.type_fact() }
    }

    /// A value of a form other than dense: it has the shape `[0]`.
    pub(crate) fn holding(dtype: DType, items: Items) -> Self {
        Tensor { dtype, shape: vec![0], bytes: Bytes::new(), table: Table::default(), items: Some(Arc::new(items)) }
    }

    /// What it holds if it is no tensor but a sequence, or an optional that is not there.
    pub fn items(&self) -> Option<&Items> {
        self.items.as_deref()
    }

    /// Type, shape and form alone.
    pub fn type_fact(&self) -> Fact {
        if let Some(items) = self.items() {
            return self.items_fact(items);
        }
        Fact::new(self.dtype, self.shape.iter().map(|d| Dim::from(*d)))
    }
}

/// Row-major steps of a shape.
pub fn strides(shape: &[usize]) -> Vec<usize> {
    let mut out = vec![1; shape.len()];
    for i in (1..shape.len()).rev() {
        out[i - 1] = out[i] * shape[i];
    }
    out
}

/// Converts one element as ONNX `Cast` with its default attributes does: floats round, those of 8 bits saturate,
/// integers wrap, bool is `!= 0`, and a float to an integer truncates and saturates. ONNX leaves floats open that no
/// integer of fewer than 8 bits is near to; here, as in its reference, these are first 32-bit integers, which then wrap.
pub fn cast(v: Num, to: DType) -> Num {
    match (v, to.int_range()) {
        (v, None) if to.is_narrow_float() => Num::F(narrow::convert(to, v.f() as f32, true, narrow::Rounding::Up)),
        (v, None) => Num::F(v.f()),
        (v, Some(_)) if to == DType::Bool => Num::I(v.truth() as i128),
        (Num::F(f), Some(_)) if to.is_narrow() => Num::I((f as i32).into()),
        (Num::F(f), Some((lo, hi))) => Num::I((f as i128).clamp(lo, hi)),
        (v, Some(_)) => v,
    }
}

/// Calls `f` with every index of a shape, row-major.
pub fn for_each_index(shape: &[usize], mut f: impl FnMut(&[usize])) {
    if shape.contains(&0) {
        return;
    }
    let mut idx = vec![0; shape.len()];
    loop {
        f(&idx);
        let mut axis = shape.len();
        loop {
            if axis == 0 {
                return;
            }
            axis -= 1;
            idx[axis] += 1;
            if idx[axis] < shape[axis] {
                break;
            }
            idx[axis] = 0;
        }
    }
}

fn encode(dtype: DType, v: Num, out: &mut Vec<u8>) {
    match dtype {
        DType::F32 => out.extend((v.f() as f32).to_le_bytes()),
        DType::F64 => out.extend(v.f().to_le_bytes()),
        DType::F16 => out.extend(f16::from_f64(v.f()).to_le_bytes()),
        DType::BF16 => out.extend(bf16::from_f64(v.f()).to_le_bytes()),
        DType::Bool => out.push(v.truth() as u8),
        d if d.is_narrow_float() => out.push(narrow::encode(d, v.f() as f32)),
        DType::I4 | DType::U4 | DType::I2 | DType::U2 => out.push(wrap(dtype, v.i()) as u8),
        _ => out.extend(&v.i().to_le_bytes()[..dtype.size()]),
    }
}

fn decode(dtype: DType, b: &[u8]) -> Num {
    match dtype {
        DType::F32 => Num::F(f32::from_le_bytes([b[0], b[1], b[2], b[3]]) as f64),
        DType::F64 => Num::F(f64::from_bits(little(b, 8) as u64)),
        DType::F16 => Num::F(f16::from_le_bytes([b[0], b[1]]).to_f64()),
        DType::BF16 => Num::F(bf16::from_le_bytes([b[0], b[1]]).to_f64()),
        DType::Bool => Num::I((b[0] != 0) as i128),
        d if d.is_narrow_float() => Num::F(narrow::decode(d, b[0]).into()),
        _ => Num::I(wrap(dtype, little(b, dtype.size()))),
    }
}

/// The value of an integer type with the lowest bits of `v`.
fn wrap(dtype: DType, v: i128) -> i128 {
    let bits = dtype.bits() as u32;
    let v = v & ((1i128 << bits) - 1);
    let negative = dtype.is_signed() && (v >> (bits - 1)) & 1 == 1;
    if negative { v - (1i128 << bits) } else { v }
}

fn little(b: &[u8], n: usize) -> i128 {
    b[..n].iter().rev().fold(0, |v, x| (v << 8) | *x as i128)
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.items() {
            Some(Items::Sequence(v)) => return write!(f, "seq {} {v:?}", self.dtype),
            Some(_) => return write!(f, "{}, absent", self.type_fact()),
            None => {}
        }
        let head: Vec<String> = match self.dtype {
            DType::Str => self.strings().take(8).map(|s| format!("{s:?}")).collect(),
            _ => self.iter().take(8).map(|v| v.f().to_string()).collect(),
        };
        let more = if self.len() > 8 { ", .." } else { "" };
        write!(f, "{}{:?} {{{}{more}}}", self.dtype, self.shape, head.join(", "))
    }
}

impl TryFrom<&Fact> for Tensor {
    type Error = Error;
    fn try_from(f: &Fact) -> Result<Tensor> {
        match &f.known {
            Some(Known::Tensor(t)) => Ok((**t).clone()),
            _ => Err(Error::op(format!("{f} is not constant"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_survive_every_type() {
        for (dtype, ..) in crate::dtype::DTYPES.iter().filter(|d| d.0 != DType::Str) {
            let largest = dtype.int_range().map_or(2.0, |r| r.1.min(3) as f64);
            let v = [1.0, largest];
            assert_eq!(Tensor::floats(*dtype, &[2], &v).to_f64(), v, "{dtype}");
        }
        assert_eq!(Tensor::i64(&[2], &[-1, i64::MIN]).to_i64(), [-1, i64::MIN]);
    }

    #[test]
    fn casts_follow_onnx() {
        let t = Tensor::f32(&[4], &[-1.5, 300.0, 0.25, f32::NAN]);
        assert_eq!(t.cast(DType::U8).to_i64(), [0, 255, 0, 0]);
        assert_eq!(t.cast(DType::Bool).to_i64(), [1, 1, 1, 1]);
        assert_eq!(Tensor::i64(&[1], &[300]).cast(DType::U8).to_i64(), [44]);
        let t = Tensor::f32(&[5], &[-9.5, 7.9, 8.0, -1e20, f32::NAN]);
        assert_eq!(t.cast(DType::I4).to_i64(), [7, 7, -8, 0, 0]);
        assert_eq!(t.cast(DType::U2).to_i64(), [3, 3, 0, 0, 0]);
    }

    #[test]
    fn bytes_that_are_no_element_are_refused() {
        let of = |d, b: &'static [u8]| Tensor::from_bytes(d, &[b.len()], Bytes::from_static(b));
        assert_eq!(of(DType::I4, &[0xf8, 0x07]).unwrap().to_i64(), [-8, 7]);
        for (d, b) in [(DType::I4, &[0x08]), (DType::U4, &[0x10]), (DType::I2, &[0x02]), (DType::F4E2M1, &[0x10])] {
            assert!(of(d, b).unwrap_err().to_string().contains("expected elements of"), "{d}");
        }
    }

    #[test]
    fn indices_are_row_major() {
        let mut seen = vec![];
        for_each_index(&[2, 2], |i| seen.push((i[0], i[1])));
        assert_eq!(seen, [(0, 0), (0, 1), (1, 0), (1, 1)]);
        for_each_index(&[2, 0], |_| panic!("no index in an empty shape"));
    }
}
