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
    F8E4M3FN,
    F8E4M3FNUZ,
    F8E5M2,
    F8E5M2FNUZ,
    F8E8M0,
    F4E2M1,
    I4,
    U4,
    I2,
    U2,
    /// Text, UTF-8. In memory an element is the number of its string in the tensor's table, 32 bits.
    Str,
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
    (Str, "str", 8),
    (Bool, "bool", 9),
    (F16, "f16", 10),
    (F64, "f64", 11),
    (U32, "u32", 12),
    (U64, "u64", 13),
    (BF16, "bf16", 16),
    (F8E4M3FN, "f8e4m3fn", 17),
    (F8E4M3FNUZ, "f8e4m3fnuz", 18),
    (F8E5M2, "f8e5m2", 19),
    (F8E5M2FNUZ, "f8e5m2fnuz", 20),
    (U4, "u4", 21),
    (I4, "i4", 22),
    (F4E2M1, "f4e2m1", 23),
    (F8E8M0, "f8e8m0", 24),
    (U2, "u2", 25),
    (I2, "i2", 26),
];

impl DType {
    /// Bytes of one element in memory. An element of fewer than 8 bits has a byte of its own: an integer its value, a
    /// float its code.
    pub fn size(self) -> usize {
        self.bits().div_ceil(8)
    }

    /// Bits of one element; in ONNX files those of fewer than 8 are packed.
    pub fn bits(self) -> usize {
        match self {
            F64 | I64 | U64 => 64,
            F32 | I32 | U32 | Str => 32,
            F16 | BF16 | I16 | U16 => 16,
            I8 | U8 | Bool | F8E4M3FN | F8E4M3FNUZ | F8E5M2 | F8E5M2FNUZ | F8E8M0 => 8,
            F4E2M1 | I4 | U4 => 4,
            I2 | U2 => 2,
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

    /// A float of any width.
    pub fn is_float(self) -> bool {
        matches!(self, F32 | F64 | F16 | BF16) || self.is_narrow_float()
    }

    /// A float of 8 bits or fewer: see [`crate::narrow`].
    pub fn is_narrow_float(self) -> bool {
        matches!(self, F8E4M3FN | F8E4M3FNUZ | F8E5M2 | F8E5M2FNUZ | F8E8M0 | F4E2M1)
    }

    /// A float of 8 bits or fewer, or an integer of fewer than 8: stored, moved and converted, never computed with.
    pub fn is_narrow(self) -> bool {
        self.is_narrow_float() || self.bits() < 8
    }

    /// A signed or unsigned integer; bool is none.
    pub fn is_int(self) -> bool {
        !self.is_float() && !matches!(self, Bool | Str)
    }

    /// A signed integer.
    pub fn is_signed(self) -> bool {
        matches!(self, I2 | I4 | I8 | I16 | I32 | I64)
    }

    /// Smallest and largest value of an integer type or bool.
    pub fn int_range(self) -> Option<(i128, i128)> {
        let bits = self.bits() as u32;
        match self {
            Bool => Some((0, 1)),
            _ if self.is_float() || self == Str => None,
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
