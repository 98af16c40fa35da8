//! Element types.

use std::fmt;

/// Type of one element of a tensor, with its ONNX meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum DType {
    F32,
    F64,
    F16,
    BF16,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Bool,
}

use DType::*;

/// Every element type with its name in the text form and its number in ONNX's `TensorProto.DataType`.
pub static DTYPES: &[(DType, &str, i32)] = &[
    (F32, "f32", 1),
    (U8, "u8", 2),
    (I8, "i8", 3),
    (U16, "u16", 4),
    (I16, "i16", 5),
    (I32, "i32", 6),
    (I64, "i64", 7),
    (Bool, "bool", 9),
    (F16, "f16", 10),
    (F64, "f64", 11),
    (U32, "u32", 12),
    (U64, "u64", 13),
    (BF16, "bf16", 16),
];

impl DType {
    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            F64 | I64 | U64 => 8,
            F32 | I32 | U32 => 4,
            F16 | BF16 | I16 | U16 => 2,
            I8 | U8 | Bool => 1,
        }
    }

    /// Name in the text form.
    pub fn name(self) -> &'static str {
        DTYPES.iter().find(|d| d.0 == self).map_or("?", |d| d.1)
    }

    /// Inverse of [`DType::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        DTYPES.iter().find(|d| d.1 == name).map(|d| d.0)
    }

    /// The type with this number in ONNX, if we support it.
    pub fn from_onnx(code: i32) -> Option<Self> {
        DTYPES.iter().find(|d| d.2 == code).map(|d| d.0)
    }

    /// The type's number in ONNX.
    pub fn to_onnx(self) -> i32 {
        DTYPES.iter().find(|d| d.0 == self).map_or(0, |d| d.2)
    }

    /// f16, bf16, f32 or f64.
    pub fn is_float(self) -> bool {
        matches!(self, F32 | F64 | F16 | BF16)
    }

    /// A signed or unsigned integer; bool is none.
    pub fn is_int(self) -> bool {
        !self.is_float() && self != Bool
    }

    /// A signed integer.
    pub fn is_signed(self) -> bool {
        matches!(self, I8 | I16 | I32 | I64)
    }

    /// Smallest and largest value of an integer type or bool.
    pub fn int_range(self) -> Option<(i128, i128)> {
        let bits = 8 * self.size() as u32;
        match self {
            Bool => Some((0, 1)),
            _ if self.is_float() => None,
            _ if self.is_signed() => Some((-(1 << (bits - 1)), (1 << (bits - 1)) - 1)),
            _ => Some((0, (1 << bits) - 1)),
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}
