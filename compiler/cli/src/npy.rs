//! Tensors as NumPy files.

use crate::npy_text;
use dlc_ir::tensor::{for_each_index, strides};
use dlc_ir::{DType, Tensor};
use npyz::{Endianness, NpyHeader, Order, TypeChar, TypeStr, WriterBuilder};

/// NumPy's name of an element type; bf16, which NumPy lacks, is written as f32, and narrow types as raw bytes: their
/// codes, as ml_dtypes has them.
const TYPES: &[(DType, TypeChar, u64)] = &[
    (DType::F64, TypeChar::Float, 8),
    (DType::F32, TypeChar::Float, 4),
    (DType::F16, TypeChar::Float, 2),
    (DType::I64, TypeChar::Int, 8),
    (DType::I32, TypeChar::Int, 4),
    (DType::I16, TypeChar::Int, 2),
    (DType::I8, TypeChar::Int, 1),
    (DType::U64, TypeChar::Uint, 8),
    (DType::U32, TypeChar::Uint, 4),
    (DType::U16, TypeChar::Uint, 2),
    (DType::U8, TypeChar::Uint, 1),
    (DType::Bool, TypeChar::Bool, 1),
];

/// Longest header read; NumPy refuses longer ones likewise.
const LONGEST_HEADER: usize = 10_000;

/// The bytes of a `.npy` file (format 1.0).
pub fn write(t: &Tensor) -> Result<Vec<u8>, String> {
    if t.dtype() == DType::Str {
        let (width, bytes) = npy_text::encode(t)?;
        return file(t.shape(), &format!("<U{width}"), &bytes);
    }
    let t = if t.dtype() == DType::BF16 { t.cast(DType::F32) } else { t.clone() };
    let (letter, size) = match TYPES.iter().find(|e| e.0 == t.dtype()) {
        Some((_, letter, size)) => (letter, size),
        None if t.dtype().is_narrow() => (&TypeChar::RawData, &1),
        None => return Err(format!("type {} has no form in NumPy", t.dtype())),
    };
    let order = if *size == 1 { "|" } else { "<" };
    let name = format!("{order}{}{size}", letter.to_str());
    if t.dtype().is_narrow() {
        let codes: Vec<u8> = t.bytes().iter().map(|b| b & lowest_bits(t.dtype())).collect();
        return file(t.shape(), &name, &codes);
    }
    file(t.shape(), &name, t.bytes())
}

/// A header and the elements after it.
fn file(shape: &[usize], name: &str, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let name: TypeStr = name.parse().map_err(|e| format!("{e}"))?;
    let shape: Vec<u64> = shape.iter().map(|d| *d as u64).collect();
    let header = npyz::WriteOptions::new_header_only().dtype(npyz::DType::new_scalar(name)).shape(&shape);
    let mut out = header.writer(vec![]).write_header_only().map_err(|e| e.to_string())?;
    out.extend_from_slice(bytes);
    Ok(out)
}

/// The tensor in a `.npy` file: either byte order, either axis order. Raw bytes are u8: see [`retype`].
pub fn read(file: &[u8]) -> Result<Tensor, String> {
    check_header(file)?;
    let mut rest = file;
    let header = NpyHeader::from_reader(&mut rest).map_err(|e| e.to_string())?;
    let shape: Option<Vec<usize>> = header.shape().iter().map(|d| usize::try_from(*d).ok()).collect();
    let shape = shape.ok_or("the shape is too large")?;
    let in_file: Vec<usize> = match header.order() {
        Order::C => shape.clone(),
        Order::Fortran => shape.iter().rev().copied().collect(),
    };
    let t = elements(&header, &in_file, rest)?;
    Ok(if header.order() == Order::C { t } else { reverse_axes(&t) })
}

/// Bytes that hold codes of the narrow type `to` as a tensor of it; any other tensor as it is.
pub fn retype(t: Tensor, to: DType) -> Result<Tensor, String> {
    match t.dtype() {
        // The bits of a negative integer are a code without a sign.
        DType::U8 if to.bits() < 8 && to.is_signed() && t.bytes().iter().all(|b| *b <= lowest_bits(to)) => {
            Ok(Tensor::new(to, t.shape(), t.iter()))
        }
        DType::U8 | DType::I8 if to.is_narrow() => {
            Tensor::from_bytes(to, t.shape(), t.bytes().clone()).map_err(|e| e.to_string())
        }
        _ => Ok(t),
    }
}

/// The bits of a byte that hold an element of a type of 8 bits or fewer.
fn lowest_bits(dtype: DType) -> u8 {
    u8::MAX >> (8 - dtype.bits().min(8))
}

/// The elements as they are in the file.
fn elements(header: &NpyHeader, shape: &[usize], bytes: &[u8]) -> Result<Tensor, String> {
    if let npyz::DType::Plain(ty) = header.dtype()
        && ty.type_char() == TypeChar::UnicodeStr
    {
        return npy_text::decode(shape, ty.size_field(), ty.endianness() == Endianness::Big, bytes);
    }
    let (dtype, endianness) = element(header)?;
    let mut bytes = bytes.to_vec();
    if endianness == Endianness::Big {
        bytes.chunks_exact_mut(dtype.size()).for_each(<[u8]>::reverse);
    }
    Tensor::from_bytes(dtype, shape, bytes.into()).map_err(|e| e.to_string())
}

/// Refuses what the header's parser would not survive: deep nesting, and a shape whose product overflows.
fn check_header(file: &[u8]) -> Result<(), String> {
    let text = match file {
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1, 0, a, b, rest @ ..] => {
            rest.get(..u16::from_le_bytes([*a, *b]) as usize)
        }
        [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, 0, a, b, c, d, rest @ ..] => {
            rest.get(..u32::from_le_bytes([*a, *b, *c, *d]) as usize)
        }
        _ => return Err("not a .npy file of format 1, 2 or 3".into()),
    };
    let text = text.filter(|t| t.len() <= LONGEST_HEADER).ok_or("the header is cut short or too long")?;
    let text = std::str::from_utf8(text).map_err(|_| "the header is not UTF-8")?;
    if text.matches(['(', '[', '{']).count() > 4 {
        return Err("the header is nested; only plain arrays are supported".into());
    }
    let sizes = text.split(|c: char| !c.is_ascii_digit()).filter_map(|d| d.parse::<u64>().ok());
    let most = sizes.filter(|d| *d > 0).try_fold(1u64, u64::checked_mul);
    most.filter(|n| *n < 1 << 48).map(drop).ok_or_else(|| "the shape is too large".into())
}

fn element(header: &NpyHeader) -> Result<(DType, Endianness), String> {
    let npyz::DType::Plain(ty) = header.dtype() else { return Err("structured arrays are not supported".into()) };
    if (ty.type_char(), ty.size_field()) == (TypeChar::RawData, 1) {
        return Ok((DType::U8, ty.endianness()));
    }
    let found = TYPES.iter().find(|e| e.1 == ty.type_char() && e.2 == ty.size_field());
    let (dtype, ..) = found.ok_or_else(|| format!("element type {ty} is not supported"))?;
    Ok((*dtype, ty.endianness()))
}

/// The tensor with its axes in reverse order.
fn reverse_axes(t: &Tensor) -> Tensor {
    let shape: Vec<usize> = t.shape().iter().rev().copied().collect();
    let steps = strides(t.shape());
    let mut out = Vec::with_capacity(t.len());
    for_each_index(&shape, |idx| {
        let at: usize = idx.iter().rev().zip(&steps).map(|(i, s)| i * s).sum();
        out.push(at);
    });
    match t.dtype() {
        DType::Str => Tensor::of_strings(&shape, out.into_iter().map(|i| t.string(i))),
        d => Tensor::new(d, &shape, out.into_iter().map(|i| t.at(i))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_survives() {
        for (dtype, ..) in TYPES {
            let t = dlc_compiler::random::random(*dtype, &[2, 0, 3], 1);
            assert_eq!(read(&write(&t).unwrap()).unwrap(), t);
            let t = dlc_compiler::random::random(*dtype, &[2, 3], 1);
            assert_eq!(read(&write(&t).unwrap()).unwrap(), t);
        }
        for (dtype, ..) in dlc_ir::dtype::DTYPES.iter().filter(|d| d.0.is_narrow()) {
            let t = dlc_compiler::random::random(*dtype, &[2, 3], 1);
            assert_eq!(retype(read(&write(&t).unwrap()).unwrap(), *dtype).unwrap(), t);
        }
        let t = Tensor::floats(DType::I4, &[2], &[-6.0, 7.0]);
        assert!(write(&t).unwrap().ends_with(&[0x0a, 0x07]));
        assert_eq!(retype(Tensor::floats(DType::I8, &[2], &[-6.0, 7.0]), DType::I4).unwrap(), t);
        assert!(retype(Tensor::floats(DType::U8, &[1], &[16.0]), DType::I4).is_err());
        let t = Tensor::of_strings(&[2, 2], ["", "a", "\u{e9}t\u{e9}", "x y"]);
        assert_eq!(read(&write(&t).unwrap()).unwrap(), t);
        let none = Tensor::of_strings(&[0], [] as [&str; 0]);
        assert_eq!(read(&write(&none).unwrap()).unwrap(), none);
        let t = Tensor::floats(DType::BF16, &[], &[1.5]);
        assert_eq!(read(&write(&t).unwrap()).unwrap(), t.cast(DType::F32));
    }

    fn raw(header: &str, data: &[u8]) -> Vec<u8> {
        let mut out = b"\x93NUMPY\x01\x00".to_vec();
        out.extend((header.len() as u16).to_le_bytes());
        out.extend(header.as_bytes());
        out.extend(data);
        out
    }

    #[test]
    fn both_orders_are_read() {
        let f = raw("{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3)}", &[0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6]);
        assert_eq!(read(&f).unwrap().to_i64(), [1, 2, 3, 4, 5, 6]);
        let f = raw("{'descr': '>U1', 'fortran_order': True, 'shape': (1, 2)}", &[0, 0, 0, 97, 0, 0, 0, 98]);
        assert_eq!(read(&f).unwrap(), Tensor::of_strings(&[1, 2], ["a", "b"]));
    }

    #[test]
    fn bad_files_are_refused() {
        let shape = |s: &str| raw(&format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {s}}}"), &[0; 8]);
        assert!(read(&shape("(2,)")).is_ok());
        let nested = "(".repeat(9000);
        let huge = "(4294967296, 4294967296, 4294967296)";
        for f in [shape("(3,)"), shape(huge), shape(&nested), shape("-1"), vec![], b"\x93NUMPY".to_vec()] {
            assert!(read(&f).is_err());
        }
        assert!(read(&raw("{'descr': '<U5', 'fortran_order': False, 'shape': ()}", &[0; 19])).is_err());
        assert!(read(&raw("{'descr': '<U1', 'fortran_order': False, 'shape': ()}", &[0, 0xd8, 0, 0])).is_err());
        assert!(read(&raw("{'descr': '|O', 'fortran_order': False, 'shape': ()}", &[0; 8])).is_err());
        assert!(write(&Tensor::of_strings(&[1], ["a\0"])).is_err());
    }
}
