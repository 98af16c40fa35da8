//! Tensors at the border of a model.

use crate::{Error, Result};
use bytes::Bytes;

/// Code and memory agree on this alignment of every buffer.
pub(crate) const ALIGN: usize = 64;

/// An n-dimensional array, row-major, little-endian. Cloning shares the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    dtype: u8,
    dims: Vec<usize>,
    data: Bytes,
}

/// Bytes of one element of a type (ONNX number), if it has a size; an element of fewer than 8 bits has a byte of its own.
pub(crate) fn element_size(dtype: u8) -> Option<usize> {
    match dtype {
        2 | 3 | 9 | 17..=26 => Some(1),
        4 | 5 | 10 | 16 => Some(2),
        1 | 6 | 12 => Some(4),
        7 | 11 | 13 | 14 => Some(8),
        15 => Some(16),
        _ => None,
    }
}

/// Whether a byte is an element of a type: those of fewer than 8 bits are a value of the type, or the code of a float.
fn is_element(dtype: u8, byte: u8) -> bool {
    match dtype {
        21 | 23 => byte < 16,
        25 => byte < 4,
        22 => (-8..8).contains(&(byte as i8)),
        26 => (-2..2).contains(&(byte as i8)),
        _ => true,
    }
}

impl Tensor {
    /// A tensor of `data`, which must be as long as the type (ONNX number) and shape say. Data at a multiple of 64 bytes
    /// is used where it is, other data is copied when a model runs.
    pub fn new(dtype: u8, dims: &[usize], data: Bytes) -> Result<Self> {
        let size = element_size(dtype);
        let len = size.and_then(|s| dims.iter().try_fold(s, |n, d| n.checked_mul(*d)));
        let own = !(21..=26).contains(&dtype) || data.iter().all(|b| is_element(dtype, *b));
        if len == Some(data.len()) && data.len() <= isize::MAX as usize && own {
            return Ok(Tensor { dtype, dims: dims.to_vec(), data });
        }
        let expected = match (size, len) {
            (None, _) => "a type of whole bytes".into(),
            (_, None) => "fewer elements".into(),
            _ if !own => "bytes that are elements of it".into(),
            (_, Some(n)) => format!("{n} bytes"),
        };
        Err(Error::Tensor { dtype, dims: dims.to_vec(), expected, found: data.len() })
    }

    /// A tensor of `values`, as many as the shape says.
    pub fn of<T: Element>(dims: &[usize], values: &[T]) -> Result<Self> {
        let mut out = AlignedVec::with_len(size_of_val(values))?;
        values.iter().for_each(|v| v.put(&mut out.bytes));
        Tensor::new(T::DTYPE, dims, out.into_bytes())
    }

    /// The elements, if they are of type `T`.
    pub fn to_vec<T: Element>(&self) -> Option<Vec<T>> {
        (self.dtype == T::DTYPE).then(|| self.data.chunks_exact(size_of::<T>()).map(T::get).collect())
    }

    /// Element type (ONNX number).
    pub fn dtype(&self) -> u8 {
        self.dtype
    }

    /// Shape.
    pub fn dims(&self) -> &[usize] {
        &self.dims
    }

    /// The bytes of the elements.
    pub fn data(&self) -> &Bytes {
        &self.data
    }
}

/// Bytes to be filled, which start at a multiple of [`ALIGN`].
pub(crate) struct AlignedVec {
    /// Push the contents here.
    pub(crate) bytes: Vec<u8>,
    start: usize,
}

impl AlignedVec {
    /// Room for `len` bytes, and for code to read a vector past them.
    pub(crate) fn with_len(len: usize) -> Result<Self> {
        let mut bytes: Vec<u8> = vec![];
        bytes.try_reserve_exact(len.saturating_add(2 * ALIGN)).map_err(|_| out_of_memory("allocate a tensor"))?;
        let start = bytes.as_ptr().align_offset(ALIGN).min(ALIGN);
        bytes.resize(start, 0);
        Ok(AlignedVec { bytes, start })
    }

    /// What was pushed.
    pub(crate) fn into_bytes(self) -> Bytes {
        Bytes::from(self.bytes).slice(self.start..)
    }
}

pub(crate) fn out_of_memory(action: &'static str) -> Error {
    Error::System { action, source: std::io::ErrorKind::OutOfMemory.into() }
}

/// A type of elements.
pub trait Element: Copy {
    /// Its ONNX number.
    const DTYPE: u8;
    /// Appends its bytes.
    fn put(self, out: &mut Vec<u8>);
    /// From its bytes, as many as it has.
    fn get(bytes: &[u8]) -> Self;
}

macro_rules! elements {
    ($($t:ty = $dtype:literal,)*) => {$(
        impl Element for $t {
            const DTYPE: u8 = $dtype;

            fn put(self, out: &mut Vec<u8>) {
                out.extend(self.to_le_bytes());
            }

            fn get(bytes: &[u8]) -> Self {
                let mut own = [0; size_of::<$t>()];
                own.copy_from_slice(bytes);
                Self::from_le_bytes(own)
            }
        }
    )*};
}

elements! { f32 = 1, u8 = 2, i8 = 3, u16 = 4, i16 = 5, i32 = 6, i64 = 7, f64 = 11, u32 = 12, u64 = 13, }

impl Element for bool {
    const DTYPE: u8 = 9;

    fn put(self, out: &mut Vec<u8>) {
        out.push(self.into());
    }

    fn get(bytes: &[u8]) -> Self {
        bytes[0] != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_and_lie_aligned() {
        let t = Tensor::of(&[2, 2], &[1.5f32, -2.0, 0.0, 4.0]).unwrap();
        assert_eq!(t.to_vec::<f32>().unwrap(), [1.5, -2.0, 0.0, 4.0]);
        assert_eq!((t.to_vec::<i32>(), t.data().as_ptr() as usize % ALIGN), (None, 0));
        assert_eq!(Tensor::of(&[2], &[true, false]).unwrap().to_vec::<bool>().unwrap(), [true, false]);
    }

    #[test]
    fn bytes_that_do_not_fit_are_refused() {
        let of = |dtype, dims: &[usize]| Tensor::new(dtype, dims, Bytes::from_static(&[0; 7])).unwrap_err().to_string();
        assert_eq!(of(1, &[2]), "a tensor of type 1 and shape [2]: expected 8 bytes, found 7 bytes");
        assert!(of(8, &[7]).contains("expected a type of whole bytes"));
        assert!(of(7, &[usize::MAX, 2]).contains("expected fewer elements"));
        let of = |dtype, bytes: &'static [u8]| Tensor::new(dtype, &[bytes.len()], Bytes::from_static(bytes)).is_ok();
        let narrow: [(u8, &[u8], &[u8]); 5] =
            [(21, &[15], &[16]), (22, &[0xf8, 7], &[8]), (23, &[15], &[16]), (25, &[3], &[4]), (26, &[0xfe, 1], &[2])];
        for (dtype, inside, outside) in narrow {
            assert!(of(dtype, inside) && !of(dtype, outside), "type {dtype}");
        }
    }
}
