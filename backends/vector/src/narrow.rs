//! Floats of 8 bits and fewer as kernel code: codes (I32) to F32 and back, bit for bit as `dlc_ir::narrow`.

use crate::builder::Builder;
use crate::ir::{Elem, Reg, Type};
use dlc_ir::DType;
use dlc_ir::lower::{Bin, Cmp, Un};
use dlc_ir::narrow::Format;

/// Bits of NaN as f32.
const NAN: i64 = 0x7fc0_0000;
/// Bits of infinity as f32.
const INFINITY: i64 = 0x7f80_0000;

/// The code of a narrow float (I32) as F32. The exponent is rebiased by a multiplication, so that subnormals come out
/// right.
pub fn from_code(b: &mut Builder, dtype: DType, code: Reg) -> Reg {
    let Some(f) = Format::of(dtype) else { return from_power(b, code) };
    let ty = b.ty(code);
    let c = |b: &mut Builder, v: i64| b.int(ty, v);
    let (low, shift) = (c(b, f.sign as i64 - 1), c(b, 23 - f.mantissa as i64));
    let magnitude = b.bin(Bin::And, code, low);
    let wide = b.bin(Bin::Shl, magnitude, shift);
    let v = b.bits(Elem::F32, wide);
    let scale = b.float(b.ty(v), 2f64.powi(127 - f.bias));
    let v = b.mul(v, scale);
    let mut v = b.bits(Elem::I32, v);
    if f.over != f.largest && !f.unsigned_zero {
        let (over, nan) = (c(b, f.over as i64), c(b, NAN));
        let beyond = b.cmp(Cmp::Gt, magnitude, over);
        let infinity = c(b, if f.over == f.nan { NAN } else { INFINITY });
        let special = b.select(beyond, nan, infinity);
        let is_special = b.cmp(Cmp::Ge, magnitude, over);
        v = b.select(is_special, special, v);
    }
    let (sign, up) = (c(b, f.sign as i64), c(b, 24 + f.sign.leading_zeros() as i64));
    let sign = b.bin(Bin::And, code, sign);
    let sign = b.bin(Bin::Shl, sign, up);
    let mut v = b.bin(Bin::Or, v, sign);
    if f.unsigned_zero {
        let (minus_zero, nan) = (c(b, f.sign as i64), c(b, NAN));
        let is_nan = b.cmp(Cmp::Eq, code, minus_zero);
        v = b.select(is_nan, nan, v);
    }
    b.bits(Elem::F32, v)
}

/// F32 as the code of a narrow float (I32).
pub fn to_code(b: &mut Builder, dtype: DType, x: Reg) -> Reg {
    let Some(f) = Format::of(dtype) else { return to_power(b, x) };
    let bits = b.bits(Elem::I32, x);
    let ty = b.ty(bits);
    let c = |b: &mut Builder, v: i64| b.int(ty, v);
    let low = c(b, 0x7fff_ffff);
    let a = b.bin(Bin::And, bits, low);
    let (normal, subnormal) = (normal_code(b, &f, a), subnormal_code(b, &f, a));
    let smallest = c(b, (128 - f.bias as i64) << 23);
    let is_subnormal = b.cmp(Cmp::Lt, a, smallest);
    let code = b.select(is_subnormal, subnormal, normal);
    let (largest, over) = (c(b, f.largest as i64), c(b, f.over as i64));
    let is_over = b.cmp(Cmp::Gt, code, largest);
    let code = b.select(is_over, over, code);
    let (nan, infinity) = (c(b, f.nan as i64), c(b, INFINITY));
    let is_nan = b.cmp(Cmp::Gt, a, infinity);
    let code = b.select(is_nan, nan, code);
    let (down, mask) = (c(b, 24 + f.sign.leading_zeros() as i64), c(b, f.sign as i64));
    let sign = b.bin(Bin::Shr, bits, down);
    let sign = b.bin(Bin::And, sign, mask);
    let signed = b.bin(Bin::Or, code, sign);
    if !f.unsigned_zero {
        return signed;
    }
    let zero = c(b, 0);
    let is_zero = b.cmp(Cmp::Eq, code, zero);
    b.select(is_zero, zero, signed)
}

/// Where the result is a normal number: rebias, add half of the last place, shift; ties go to even by the bit that stays.
fn normal_code(b: &mut Builder, f: &Format, a: Reg) -> Reg {
    let ty = b.ty(a);
    let shift = 23 - f.mantissa as i64;
    let (s, one) = (b.int(ty, shift), b.int(ty, 1));
    let last = b.bin(Bin::Shr, a, s);
    let last = b.bin(Bin::And, last, one);
    let rebias = b.int(ty, (1 << (shift - 1)) - 1 - ((127 - f.bias as i64) << 23));
    let n = b.add(a, rebias);
    let n = b.add(n, last);
    b.bin(Bin::Shr, n, s)
}

/// Where it is subnormal: adding a power of two aligns its last place with that of the sum.
fn subnormal_code(b: &mut Builder, f: &Format, a: Reg) -> Reg {
    let v = b.bits(Elem::F32, a);
    let exponent = 1 - f.bias - f.mantissa as i32 + 23;
    let align = b.float(b.ty(v), 2f64.powi(exponent));
    let sum = b.add(v, align);
    let sum = b.bits(Elem::I32, sum);
    let base = b.int(b.ty(sum), (127 + exponent as i64) << 23);
    b.bin(Bin::Sub, sum, base)
}

/// The code of f8e8m0, an exponent alone, as F32; 2^-127 is subnormal there.
fn from_power(b: &mut Builder, code: Reg) -> Reg {
    let ty = b.ty(code);
    let c = |b: &mut Builder, v: i64| b.int(ty, v);
    let (shift, zero, largest) = (c(b, 23), c(b, 0), c(b, 0xff));
    let v = b.bin(Bin::Shl, code, shift);
    let (smallest, nan) = (c(b, 0x0040_0000), c(b, NAN));
    let is_smallest = b.cmp(Cmp::Eq, code, zero);
    let v = b.select(is_smallest, smallest, v);
    let is_nan = b.cmp(Cmp::Eq, code, largest);
    let v = b.select(is_nan, nan, v);
    b.bits(Elem::F32, v)
}

/// F32 as the code of f8e8m0: half of the distance to the next power of two is added to the bits.
fn to_power(b: &mut Builder, x: Reg) -> Reg {
    let bits = b.bits(Elem::I32, x);
    let ty: Type = b.ty(bits);
    let c = |b: &mut Builder, v: i64| b.int(ty, v);
    let (half, quarter, smallest, shift) = (c(b, 0x40_0000), c(b, 0x20_0000), c(b, 0x80_0000), c(b, 23));
    // Below 2^-126 the next power down is 2^-127: the middle is at three quarters.
    let is_subnormal = b.cmp(Cmp::Lt, bits, smallest);
    let more = b.select(is_subnormal, quarter, half);
    let n = b.add(bits, more);
    let code = b.bin(Bin::Shr, n, shift);
    let (zero, nan) = (b.float(b.ty(x), 0.0), c(b, 0xff));
    let positive = b.cmp(Cmp::Gt, x, zero);
    let code = b.select(positive, code, nan);
    let is_nan = b.un(Un::IsNan, x);
    b.select(is_nan, nan, code)
}
