//! Floats of 8 bits and fewer. An element is a code: sign, exponent and mantissa from the highest bit down, where the
//! largest codes (or minus zero) may stand for what is no number.
//!
//! Tables: <https://onnx.ai/onnx/technical/float8.html>, <https://onnx.ai/onnx/technical/float4.html>, and the OCP
//! Microscaling Formats (MX) specification for f8e8m0, whose code k is 2^(k-127).

use crate::DType;

/// How a type lays out its codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Bits of the mantissa.
    pub mantissa: u32,
    /// What is taken from the exponent field to get the exponent.
    pub bias: i32,
    /// Code of the largest number.
    pub largest: u8,
    /// Code of positive values beyond it: an infinity, NaN, or again the largest number.
    pub over: u8,
    /// Code of NaN; of a type without it 0.
    pub nan: u8,
    /// The bit of the sign.
    pub sign: u8,
    /// Whether zero has no sign, so that the code of minus zero is NaN.
    pub unsigned_zero: bool,
}

/// How a float becomes a power of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the next larger one.
    Up,
    /// To the next smaller one.
    Down,
    /// To the nearest one; up from the middle.
    Nearest,
}

/// Smallest and largest number of f8e8m0.
pub const E8M0_RANGE: (f32, f32) = (f32::from_bits(0x0040_0000), f32::from_bits(0x7f00_0000));

impl Format {
    /// The format of a narrow float other than f8e8m0, which has neither sign nor mantissa.
    pub fn of(dtype: DType) -> Option<Format> {
        let signed = Format { mantissa: 0, bias: 0, largest: 0, over: 0, nan: 0, sign: 0x80, unsigned_zero: false };
        let fnuz = Format { largest: 0x7f, over: 0x80, nan: 0x80, unsigned_zero: true, ..signed };
        Some(match dtype {
            DType::F8E4M3FN => Format { mantissa: 3, bias: 7, largest: 0x7e, over: 0x7f, nan: 0x7f, ..signed },
            DType::F8E5M2 => Format { mantissa: 2, bias: 15, largest: 0x7b, over: 0x7c, nan: 0x7e, ..signed },
            DType::F8E4M3FNUZ => Format { mantissa: 3, bias: 8, ..fnuz },
            DType::F8E5M2FNUZ => Format { mantissa: 2, bias: 16, ..fnuz },
            DType::F4E2M1 => Format { mantissa: 1, bias: 1, largest: 7, over: 7, sign: 8, ..signed },
            _ => return None,
        })
    }

    /// The number of a code without a sign, up to `largest`.
    fn number(&self, code: u8) -> f32 {
        let (exponent, fraction) = (i32::from(code >> self.mantissa), i32::from(code) & ((1 << self.mantissa) - 1));
        let last = 1 - self.bias - self.mantissa as i32;
        match exponent {
            0 => fraction as f32 * power(last),
            e => (fraction + (1 << self.mantissa)) as f32 * power(last + e - 1),
        }
    }

    /// The code of the number nearest to `v`, which is at least 0; from the middle that of the even code.
    fn nearest(&self, v: f32) -> u8 {
        let smallest = 1 - self.bias;
        let exponent = if v < power(smallest) { smallest } else { exponent(v) };
        let units = (v * power(self.mantissa as i32 - exponent)).round_ties_even() as u32;
        // The leading bit of the units of a normal number counts one more exponent.
        let code = (((exponent - smallest) as u32) << self.mantissa) + units;
        if code <= self.largest.into() { code as u8 } else { self.over }
    }
}

/// 2 to the power `e`, which f32 has as a normal number.
fn power(e: i32) -> f32 {
    f32::from_bits(((e + 127) as u32) << 23)
}

/// The exponent of a normal number.
fn exponent(v: f32) -> i32 {
    (v.to_bits() >> 23) as i32 - 127
}

/// Whether memory may hold this byte as an element of a type of fewer than 8 bits.
pub fn is_stored(dtype: DType, byte: u8) -> bool {
    match dtype.int_range() {
        None => byte >> dtype.bits() == 0,
        Some((lo, hi)) if dtype.is_signed() => (lo..=hi).contains(&(byte as i8).into()),
        Some((_, hi)) => i128::from(byte) <= hi,
    }
}

/// The value of a code of a narrow float.
pub fn decode(dtype: DType, code: u8) -> f32 {
    let Some(f) = Format::of(dtype) else {
        return match code {
            0xff => f32::NAN,
            0 => E8M0_RANGE.0,
            _ => power(i32::from(code) - 127),
        };
    };
    let (negative, code) = (code & f.sign != 0, code & (f.sign - 1));
    let v = match code {
        0 if negative && f.unsigned_zero => f32::NAN,
        c if c <= f.largest => f.number(c),
        c if c == f.over && c != f.nan => f32::INFINITY,
        _ => f32::NAN,
    };
    if negative { -v } else { v }
}

/// The code of a value as memory holds it: of the nearest number, from the middle the even one, and beyond the largest
/// an infinity, NaN, or of f4e2m1 the largest number. As f8e8m0, what is not above 0 is NaN, and from the middle of two
/// powers of two it is the larger.
pub fn encode(dtype: DType, v: f32) -> u8 {
    let Some(f) = Format::of(dtype) else { return encode_power(v) };
    let code = match v.abs() {
        a if a.is_nan() => f.nan,
        a if a.is_infinite() => f.over,
        a => f.nearest(a),
    };
    match v.is_sign_negative() {
        true if code != 0 || !f.unsigned_zero => code | f.sign,
        _ => code,
    }
}

/// The code of f8e8m0.
fn encode_power(v: f32) -> u8 {
    let v = f64::from(v);
    let below_the_next_middle = |k: &u8| v < 1.5 * f64::from(decode(DType::F8E8M0, *k));
    let nearest = (0..0xff).find(below_the_next_middle);
    nearest.filter(|_| v > 0.0).unwrap_or(0xff)
}

/// The value that ONNX `Cast` gives as an element of a narrow float.
///
/// `saturate`: values beyond the largest number, and infinities, are the largest number; without it they are what
/// [`encode`] makes of them. `rounding` is of f8e8m0 alone, where without `saturate` everything outside of its range is
/// NaN, and with it the nearest end of the range.
pub fn convert(dtype: DType, v: f32, saturate: bool, rounding: Rounding) -> f64 {
    if v.is_nan() {
        return decode(dtype, encode(dtype, v)).into();
    }
    let Some(f) = Format::of(dtype) else { return convert_power(v, saturate, rounding) };
    let largest = f.number(f.largest);
    let v = if saturate { v.clamp(-largest, largest) } else { v };
    decode(dtype, encode(dtype, v)).into()
}

fn convert_power(v: f32, saturate: bool, rounding: Rounding) -> f64 {
    let (smallest, largest) = E8M0_RANGE;
    if !saturate && !(smallest..=largest).contains(&v) {
        return f64::NAN;
    }
    let v = f64::from(v.clamp(smallest, largest));
    let (mut below, mut above) = (f64::from(smallest), f64::from(smallest));
    while above < v {
        below = above;
        above *= 2.0;
    }
    match rounding {
        _ if above == v => v,
        Rounding::Up => above,
        Rounding::Down => below,
        Rounding::Nearest if v < 1.5 * below => below,
        Rounding::Nearest => above,
    }
}

#[cfg(test)]
mod tests;
