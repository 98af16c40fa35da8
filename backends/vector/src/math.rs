//! Elementary functions. In F32 they are polynomials in kernel code, one rounding from exact to a few ulp, the same on
//! every instruction set; in F64, and the rarer ones, calls through the program's math table.
//!
//! Coefficients: least-maximum fits of the stated function on the stated interval (our own).

use crate::builder::Builder;
use crate::ir::{Elem, Inst, Reg, Type};
use dlc_ir::lower::{Bin, Cmp, Un};

/// Order of the math table: see `dlc_artifact::program::MATH`.
const TABLE: [Un; 15] = [
    Un::Exp,
    Un::Log,
    Un::Sin,
    Un::Cos,
    Un::Tan,
    Un::Asin,
    Un::Acos,
    Un::Atan,
    Un::Sinh,
    Un::Cosh,
    Un::Tanh,
    Un::Asinh,
    Un::Acosh,
    Un::Atanh,
    Un::Erf,
];
/// Entry of `pow(x, y)`.
const POW: u32 = 15;
/// Entry of `fmod(x, y)`.
const FMOD: u32 = 16;

/// `(e^r - 1 - r) / r^2` on |r| <= 0.35; relative error of `e^r` 4e-9.
const EXP: [f64; 5] = [0.4999999305, 0.16666514789, 0.041668456833, 0.0083694190436, 0.0013813142368];
/// Floats near it are whole numbers: 1.5 * 2^23.
const WHOLE: f64 = 12582912.0;
/// `(ln(1+f) - f + f^2/2) / f^3` on sqrt(1/2) <= 1+f <= sqrt(2).
const LOG: [f64; 9] = [
    0.3333331043986,
    -0.2499998659984,
    0.2000222661397,
    -0.1666925081554,
    0.1421865809029,
    -0.1238434848051,
    0.1187297630359,
    -0.1178980764054,
    0.06915367980501,
];
/// `(tanh(x) - x) / x^3` in x^2, on |x| <= 0.63.
const TANH: [f64; 6] =
    [-0.3333333057126, 0.1333319590829, -0.05394537805875, 0.02169260537354, -0.008156276653981, 0.002122742615722];
/// `erf(x) / x` in x^2, on |x| <= 1.
const ERF: [f64; 7] = [
    1.1283791659137,
    -0.3761262713597,
    0.1128360017626,
    -0.02685444459187,
    0.005189535339252,
    -0.0008020841278776,
    0.00007889119527909,
];
/// `erf(x)` in x - 2.5, on 1 <= x <= 3.92; error 3e-8, at the end upwards, so that it is 1 from there on.
const ERF_LARGE: [f64; 13] = [
    0.999593084302,
    0.00217810633855,
    -0.00544665891403,
    0.0083530545875,
    -0.00861534925704,
    0.00610381819255,
    -0.00281796906108,
    0.000569647398854,
    0.000286179376641,
    -0.000278505527539,
    6.20881594517e-05,
    2.09630205726e-05,
    -9.16692087343e-06,
];

/// Whether `un` keeps vectors: it is exact, or a polynomial.
pub fn is_vector(op: Un) -> bool {
    !TABLE.contains(&op) || matches!(op, Un::Exp | Un::Log | Un::Tanh | Un::Erf)
}

/// A function of one float register.
pub fn un(b: &mut Builder, op: Un, x: Reg) -> Reg {
    let elem = b.ty(x).elem;
    match op {
        Un::Exp if elem == Elem::F32 => exp(b, x),
        Un::Log if elem == Elem::F32 => log(b, x),
        Un::Tanh if elem == Elem::F32 => tanh(b, x),
        Un::Erf if elem == Elem::F32 => erf(b, x),
        _ => match TABLE.iter().position(|t| *t == op) {
            Some(k) => call(b, k as u32, x, x),
            None => b.un(op, x),
        },
    }
}

/// `x` to the power `y`.
pub fn pow(b: &mut Builder, x: Reg, y: Reg) -> Reg {
    call(b, POW, x, y)
}

/// Remainder of floats with the sign of `x`.
pub fn fmod(b: &mut Builder, x: Reg, y: Reg) -> Reg {
    call(b, FMOD, x, y)
}

fn call(b: &mut Builder, k: u32, x: Reg, y: Reg) -> Reg {
    let elem = b.ty(x).elem;
    let (x, y) = (b.cast(Elem::F64, x), b.cast(Elem::F64, y));
    let r = b.let_(Type::scalar(Elem::F64), Inst::Call(k, x, y));
    b.cast(elem, r)
}

fn poly(b: &mut Builder, x: Reg, c: &[f64]) -> Reg {
    let ty = b.ty(x);
    let mut acc = b.float(ty, c[c.len() - 1]);
    for c in c[..c.len() - 1].iter().rev() {
        let c = b.float(ty, *c);
        acc = b.fma(acc, x, c);
    }
    acc
}

/// A number taken apart for `e^x = 2^n e^r`, |r| at most 0.35.
struct Parts {
    /// `n` as F32.
    n: Reg,
    /// 127 more than `n`, in the lowest bits of an I32: a float's exponent.
    exponent: Reg,
    /// `e^r - 1`.
    rest: Reg,
}

/// Takes apart a number between -105 and 89.
fn parts(b: &mut Builder, x: Reg) -> Parts {
    let ty = b.ty(x);
    // Adding the number rounds to the nearest whole one, which is then in the lowest bits.
    let (log2e, whole) = (b.float(ty, std::f64::consts::LOG2_E), b.float(ty, WHOLE));
    let shifted = b.fma(x, log2e, whole);
    let n = b.bin(Bin::Sub, shifted, whole);
    let (hi, lo) = (b.float(ty, -0.693359375), b.float(ty, 2.12194440e-4));
    let r = b.fma(n, hi, x);
    let r = b.fma(n, lo, r);
    let p = poly(b, r, &EXP);
    let r2 = b.mul(r, r);
    let rest = b.fma(p, r2, r);
    let bits = b.bits(Elem::I32, shifted);
    let bias = b.int(b.ty(bits), 127 - (WHOLE as f32).to_bits() as i64);
    Parts { n, exponent: b.add(bits, bias), rest }
}

/// 2 to the power whose exponent is in the lowest bits.
fn power_of_two(b: &mut Builder, exponent: Reg) -> Reg {
    let shift = b.int(b.ty(exponent), 23);
    let e = b.bin(Bin::Shl, exponent, shift);
    b.bits(Elem::F32, e)
}

/// `e^x`: x = n ln 2 + r; times 2^n so that overflow is infinity and underflow gradual. At most 2 ulp.
fn exp(b: &mut Builder, x: Reg) -> Reg {
    let ty = b.ty(x);
    let (lo, hi) = (b.float(ty, -105.0), b.float(ty, 89.0));
    let x = b.bin(Bin::Max, x, lo);
    let x = b.bin(Bin::Min, x, hi);
    let Parts { n, exponent, rest } = parts(b, x);
    let one = b.float(ty, 1.0);
    let p = b.add(rest, one);
    if b.level().has_scale() {
        return b.let_(ty, Inst::Scale(p, n));
    }
    // In two steps, each a normal number: n / 2 rounded down, and what is left of n.
    let int = b.ty(exponent);
    let (one, bias) = (b.int(int, 1), b.int(int, 127));
    let n = b.bin(Bin::Sub, exponent, bias);
    let half = b.bin(Bin::Shr, n, one);
    let left = b.bin(Bin::Sub, exponent, half);
    let half = b.add(half, bias);
    let (half, left) = (power_of_two(b, half), power_of_two(b, left));
    let p = b.mul(p, half);
    b.mul(p, left)
}

/// Natural logarithm: x = 2^e m, m in sqrt(1/2)..sqrt(2). At most 2 ulp; of 0 -inf, of negatives NaN.
fn log(b: &mut Builder, x: Reg) -> Reg {
    let ty = b.ty(x);
    let int = Type { elem: Elem::I32, ..ty };
    let (tiny, up) = (b.float(ty, f32::MIN_POSITIVE as f64), b.float(ty, 8388608.0));
    let subnormal = b.cmp(Cmp::Lt, x, tiny);
    let scaled = b.mul(x, up);
    let y = b.select(subnormal, scaled, x);
    let bits = b.bits(Elem::I32, y);
    let (root, shift) = (b.int(int, 0x3f3504f3), b.int(int, 23));
    let e = b.bin(Bin::Sub, bits, root);
    let e = b.bin(Bin::Shr, e, shift);
    let m = b.bin(Bin::Shl, e, shift);
    let m = b.bin(Bin::Sub, bits, m);
    let m = b.bits(Elem::F32, m);
    let one = b.float(ty, 1.0);
    let f = b.bin(Bin::Sub, m, one);
    let e = b.cast(Elem::F32, e);
    let (off, zero) = (b.float(ty, -23.0), b.float(ty, 0.0));
    let off = b.select(subnormal, off, zero);
    let e = b.add(e, off);
    let p = poly(b, f, &LOG);
    let f2 = b.mul(f, f);
    let f3 = b.mul(f2, f);
    let (half, lo, hi) = (b.float(ty, -0.5), b.float(ty, -2.12194440e-4), b.float(ty, 0.693359375));
    let y = b.mul(p, f3);
    let y = b.fma(e, lo, y);
    let y = b.fma(f2, half, y);
    let y = b.add(y, f);
    let y = b.fma(e, hi, y);
    special_log(b, x, y)
}

fn special_log(b: &mut Builder, x: Reg, y: Reg) -> Reg {
    let ty = b.ty(x);
    let (inf, zero) = (b.float(ty, f64::INFINITY), b.float(ty, 0.0));
    let (nan, minus) = (b.float(ty, f64::NAN), b.float(ty, f64::NEG_INFINITY));
    let finite = b.cmp(Cmp::Lt, x, inf);
    let y = b.select(finite, y, x);
    let is_zero = b.cmp(Cmp::Eq, x, zero);
    let y = b.select(is_zero, minus, y);
    let negative = b.cmp(Cmp::Lt, x, zero);
    b.select(negative, nan, y)
}

/// `|x| < 0.63`: an odd polynomial; else `1 - 2 / (e^2|x| + 1)` with the sign of x. At most 3 ulp.
fn tanh(b: &mut Builder, x: Reg) -> Reg {
    let ty = b.ty(x);
    let a = b.un(Un::Abs, x);
    let x2 = b.mul(x, x);
    let p = poly(b, x2, &TANH);
    let p = b.mul(p, x2);
    let small = b.fma(p, x, x);
    let twice = b.add(a, a);
    let e = exp(b, twice);
    let (one, two, limit) = (b.float(ty, 1.0), b.float(ty, 2.0), b.float(ty, 0.63));
    let d = b.add(e, one);
    let q = b.bin(Bin::Div, two, d);
    let large = b.bin(Bin::Sub, one, q);
    let large = with_sign(b, large, x);
    let c = b.cmp(Cmp::Lt, a, limit);
    b.select(c, small, large)
}

/// `|x| < 1`: an odd polynomial; else another of |x|, with the sign of x. At most 3 ulp.
fn erf(b: &mut Builder, x: Reg) -> Reg {
    let ty = b.ty(x);
    let a = b.un(Un::Abs, x);
    let x2 = b.mul(x, x);
    let p = poly(b, x2, &ERF);
    let small = b.mul(p, x);
    let (one, most, middle) = (b.float(ty, 1.0), b.float(ty, 3.92), b.float(ty, 2.5));
    let u = b.bin(Bin::Min, a, most);
    let u = b.bin(Bin::Sub, u, middle);
    let large = poly(b, u, &ERF_LARGE);
    let large = b.bin(Bin::Min, large, one);
    let large = with_sign(b, large, x);
    let c = b.cmp(Cmp::Lt, a, one);
    b.select(c, small, large)
}

/// A number that is not below 0, with the sign of x.
fn with_sign(b: &mut Builder, y: Reg, x: Reg) -> Reg {
    let (x, y) = (b.bits(Elem::I32, x), b.bits(Elem::I32, y));
    let sign = b.int(b.ty(x), i32::MIN as i64);
    let sign = b.bin(Bin::And, x, sign);
    let y = b.bin(Bin::Or, y, sign);
    b.bits(Elem::F32, y)
}

/// f16 bits (I32) as F32: the exponent is rebiased by a multiplication, so that subnormals come out right.
pub fn from_f16(b: &mut Builder, h: Reg) -> Reg {
    let ty = b.ty(h);
    let c = |b: &mut Builder, v: i64| b.int(ty, v);
    let (low, s13, s16) = (c(b, 0x7fff), c(b, 13), c(b, 16));
    let magnitude = b.bin(Bin::And, h, low);
    let wide = b.bin(Bin::Shl, magnitude, s13);
    let f = b.bits(Elem::F32, wide);
    let scale = b.float(b.ty(f), 2f64.powi(112));
    let f = b.mul(f, scale);
    let f = b.bits(Elem::I32, f);
    let (special, inf) = (c(b, 0x7c00), c(b, 0x7f80_0000));
    let is_special = b.cmp(Cmp::Ge, magnitude, special);
    let as_special = b.bin(Bin::Or, wide, inf);
    let f = b.select(is_special, as_special, f);
    let sign = c(b, 0x8000);
    let sign = b.bin(Bin::And, h, sign);
    let sign = b.bin(Bin::Shl, sign, s16);
    let f = b.bin(Bin::Or, f, sign);
    b.bits(Elem::F32, f)
}

/// F32 rounded to nearest even as f16 bits (I32).
pub fn to_f16(b: &mut Builder, x: Reg) -> Reg {
    let fty = b.ty(x);
    let ty = Type { elem: Elem::I32, ..fty };
    let c = |b: &mut Builder, v: i64| b.int(ty, v);
    let bits = b.bits(Elem::I32, x);
    let (low, s13, s16) = (c(b, 0x7fff_ffff), c(b, 13), c(b, 16));
    let a = b.bin(Bin::And, bits, low);
    // Normal results: rebias, add half of the last place, shift; ties go to even by the bit that stays.
    let last = b.bin(Bin::Shr, a, s13);
    let one = c(b, 1);
    let last = b.bin(Bin::And, last, one);
    let rebias = c(b, 0xfff - (112 << 23));
    let n = b.add(a, rebias);
    let n = b.add(n, last);
    let normal = b.bin(Bin::Shr, n, s13);
    // Subnormal results: adding 0.5 aligns the last place of f16 with that of the sum.
    let af = b.bits(Elem::F32, a);
    let half = b.float(fty, 0.5);
    let sum = b.add(af, half);
    let sum = b.bits(Elem::I32, sum);
    let base = c(b, 0x3f00_0000);
    let sub = b.bin(Bin::Sub, sum, base);
    let (min_normal, max, inf, quiet, infinity) =
        (c(b, 0x3880_0000), c(b, 0x477f_f000), c(b, 0x7c00), c(b, 0x7e00), c(b, 0x7f80_0000));
    let is_sub = b.cmp(Cmp::Lt, a, min_normal);
    let r = b.select(is_sub, sub, normal);
    let is_over = b.cmp(Cmp::Ge, a, max);
    let r = b.select(is_over, inf, r);
    let is_nan = b.cmp(Cmp::Gt, a, infinity);
    let r = b.select(is_nan, quiet, r);
    let sign = b.bin(Bin::Shr, bits, s16);
    let mask = c(b, 0x8000);
    let sign = b.bin(Bin::And, sign, mask);
    b.bin(Bin::Or, r, sign)
}

/// bf16 bits (I32) as F32.
pub fn from_bf16(b: &mut Builder, h: Reg) -> Reg {
    let s16 = b.int(b.ty(h), 16);
    let f = b.bin(Bin::Shl, h, s16);
    b.bits(Elem::F32, f)
}

/// F32 rounded to nearest even as bf16 bits (I32).
pub fn to_bf16(b: &mut Builder, x: Reg) -> Reg {
    let bits = b.bits(Elem::I32, x);
    let ty = b.ty(bits);
    let (s16, one, half, quiet) = (b.int(ty, 16), b.int(ty, 1), b.int(ty, 0x7fff), b.int(ty, 0x7fc0));
    let last = b.bin(Bin::Shr, bits, s16);
    let last = b.bin(Bin::And, last, one);
    let r = b.add(bits, half);
    let r = b.add(r, last);
    let r = b.bin(Bin::Shr, r, s16);
    let is_nan = b.un(Un::IsNan, x);
    b.select(is_nan, quiet, r)
}
