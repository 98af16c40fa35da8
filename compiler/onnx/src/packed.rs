//! Elements of fewer than 8 bits as ONNX stores them: several in a byte, the first in the lowest bits, rows not aligned.

use bytes::Bytes;
use dlc_ir::{DType, Tensor};

/// Bytes of `elements` elements in a file; `None` when there are too many to be counted.
pub fn bytes(dtype: DType, elements: usize) -> Option<usize> {
    match dtype.bits() {
        bits @ ..8 => Some(elements.div_ceil(8 / bits)),
        _ => elements.checked_mul(dtype.size()),
    }
}

/// The bytes of a file, as many as [`bytes`] says, as a tensor has them: one for each element.
pub fn unpack(dtype: DType, elements: usize, packed: Bytes) -> Bytes {
    let bits = dtype.bits();
    if bits >= 8 {
        return packed;
    }
    let spare = 8 - bits;
    let element = |i: usize| {
        let high = packed[i * bits / 8] << (spare - i * bits % 8);
        if dtype.is_signed() { (high as i8 >> spare) as u8 } else { high >> spare }
    };
    (0..elements).map(element).collect()
}

/// The bytes of a tensor as a file has them.
pub fn pack(t: &Tensor) -> Bytes {
    let bits = t.dtype().bits();
    if bits >= 8 {
        return t.bytes().clone();
    }
    let mask = u8::MAX >> (8 - bits);
    let byte = |group: &[u8]| group.iter().enumerate().fold(0, |all, (i, b)| all | (b & mask) << (i * bits));
    t.bytes().chunks(8 / bits).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_element_is_lowest() {
        let t = |d, v: &[f64]| Tensor::floats(d, &[v.len()], v);
        let cases = [
            (t(DType::I4, &[-8.0, 7.0, -1.0]), vec![0x78, 0x0f]),
            (t(DType::U4, &[1.0, 15.0]), vec![0xf1]),
            (t(DType::F4E2M1, &[0.5, -6.0, 1.0]), vec![0xf1, 0x02]),
            (t(DType::I2, &[-2.0, 1.0, -1.0, 0.0, -1.0]), vec![0b0011_0110, 0b11]),
            (t(DType::U2, &[3.0, 0.0, 2.0]), vec![0b10_0011]),
            (t(DType::F8E5M2, &[1.0, 2.0]), vec![0x3c, 0x40]),
            (t(DType::U4, &[]), vec![]),
        ];
        for (t, file) in cases {
            assert_eq!(pack(&t), file, "{t:?}");
            assert_eq!(bytes(t.dtype(), t.len()), Some(file.len()));
            assert_eq!(unpack(t.dtype(), t.len(), file.into()), t.bytes(), "{t:?}");
        }
    }
}
