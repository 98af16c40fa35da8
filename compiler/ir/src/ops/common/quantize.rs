//! Affine quantization: `stored = saturate(round(real / scale) + zero)`, and which scale belongs to which element.

use crate::lower::{Expr, Ty, Un};
use crate::tensor::Num;
use crate::{DType, Dim, Fact, Result, Tensor, bail, ensure};

/// Which element of a scale (or zero point) belongs to an element of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granularity {
    /// One for all.
    Tensor,
    /// One for each slice of this axis.
    Axis(usize),
    /// One for each block of this many elements along this axis.
    Blocks(usize, i64),
}

impl Granularity {
    /// How a scale of this shape covers data of this shape.
    pub fn of(x: &[Dim], scale: &[Dim], axis: i64, block: i64) -> Result<Self> {
        ensure!(block >= 0, "block_size is {block}, expected no negative number");
        if scale.is_empty() || (block == 0 && scale.len() == 1 && scale[0].is_one()) {
            return Ok(Granularity::Tensor);
        }
        let axis = crate::op::axis(axis, x.len())?;
        if block == 0 && scale.len() == 1 {
            fit(&scale[0], &x[axis], "scale")?;
            return Ok(Granularity::Axis(axis));
        }
        ensure!(block > 0, "operand scale has rank {}, expected 0, 1 or a block_size", scale.len());
        ensure!(scale.len() == x.len(), "operand scale has rank {}, expected that of x: {}", scale.len(), x.len());
        for (i, (s, d)) in scale.iter().zip(x).enumerate() {
            let want = if i == axis { d.ceil_div(&block.into()) } else { d.clone() };
            fit(s, &want, "scale")?;
        }
        Ok(Granularity::Blocks(axis, block))
    }

    /// Index into a scale of rank `rank` for the element of the data at `at`.
    pub fn index(&self, rank: usize, at: &[Expr]) -> Vec<Expr> {
        match *self {
            Granularity::Tensor => vec![Expr::int(0); rank],
            Granularity::Axis(a) => vec![at[a].clone()],
            Granularity::Blocks(a, block) => {
                let mut at = at.to_vec();
                at[a] = at[a].div(&Expr::int(block));
                at
            }
        }
    }

    /// Position in a scale of shape `scale` for the element of the data at `at`.
    pub fn position(&self, scale: &[usize], at: &[usize]) -> usize {
        match *self {
            Granularity::Tensor => 0,
            Granularity::Axis(a) => at[a],
            Granularity::Blocks(a, block) => {
                let blocked = |i: usize| if i == a { at[i] / block as usize } else { at[i] };
                (0..at.len()).fold(0, |p, i| p * scale[i] + blocked(i))
            }
        }
    }
}

fn fit(found: &Dim, want: &Dim, what: &str) -> Result<()> {
    match (found.as_const(), want.as_const()) {
        (Some(a), Some(b)) if a != b => bail!("operand {what} has {a} elements along an axis, expected {b}"),
        _ => Ok(()),
    }
}

/// Refuses a zero point that has not the type `dtype` or not as many elements as the scale.
pub fn check_zero(zero: Option<&Fact>, scale: &Fact, dtype: DType) -> Result<()> {
    let Some(z) = zero else { return Ok(()) };
    ensure!(z.dtype == dtype, "operand zero_point has type {}, expected {dtype}", z.dtype);
    match (z.const_shape(), scale.const_shape()) {
        (Some(a), Some(b)) if a.iter().product::<usize>() != b.iter().product() => {
            bail!("operand zero_point has shape {a:?}, expected that of the scale, {b:?}")
        }
        _ => Ok(()),
    }
}

/// Whether a zero point changes anything: it is not known to be 0 everywhere.
pub fn shifts(zero: &Fact) -> bool {
    zero.constant().is_none_or(|z| z.iter().any(|z| z.i() != 0))
}

/// A float rounded to an element of `dtype`.
pub fn rounded(dtype: DType, v: f64) -> f64 {
    Tensor::scalar(dtype, Num::F(v)).at(0).f()
}

/// Meaning: `v`, already divided by the scale, as an element of `dtype`. NaN is 0.
pub fn saturate(v: f64, zero: i128, dtype: DType) -> Num {
    let (lo, hi) = dtype.int_range().unwrap_or((0, 0));
    match v.is_nan() {
        true => Num::I(0),
        false => Num::I(((v.round_ties_even() + zero as f64) as i128).clamp(lo, hi)),
    }
}

/// The same as an expression: `v` is F32, `zero` I32, the result I32.
pub fn saturate_expr(v: &Expr, zero: Option<&Expr>, dtype: DType) -> Expr {
    let (lo, hi) = dtype.int_range().unwrap_or((0, 0));
    let r = v.un(Un::Round);
    let r = zero.map_or(r.clone(), |z| r.add(&z.cast(Ty::F32)));
    let r = r.max(&r.like(lo as f64)).min(&r.like(hi as f64));
    r.cast(Ty::I32)
}

/// What quantized elements may be: integers of up to 16 bits, and narrow floats that have a zero.
pub fn is_quantized(dtype: DType) -> bool {
    dtype != DType::F8E8M0 && (dtype.is_narrow() || (dtype.is_int() && dtype.size() <= 2))
}

/// Every code of a narrow type, in two rows.
pub fn sample_narrow(dtype: DType) -> Tensor {
    let n = 1usize << dtype.bits();
    let code = |i: usize| match dtype.int_range() {
        Some((lo, _)) => (lo + i as i128) as u8,
        None => i as u8,
    };
    let bytes: Vec<u8> = (0..n).map(code).collect();
    Tensor::from_bytes(dtype, &[2, n / 2], bytes.into()).expect("every code has a byte")
}

/// Integers that samples use: the whole range of `dtype`, in no order.
pub fn sample_ints(dtype: DType, shape: &[usize], seed: i64) -> Tensor {
    let (lo, hi) = dtype.int_range().unwrap_or((0, 1));
    let span = (hi - lo + 1).min(4001);
    let at = |i: usize| Num::I(lo + (i as i128 * 7919 + seed as i128 * 104729).rem_euclid(span));
    Tensor::new(dtype, shape, (0..shape.iter().product()).map(at))
}

/// A 32-bit sum of products of operands with scales `a` and `b` as an element with scale `y`: `acc * (a b / y)`, each
/// step in f32.
pub fn requantize(acc: i128, [a, b, y]: [f64; 3], zero: i128, dtype: DType) -> Num {
    let f32 = |v: f64| rounded(DType::F32, v);
    saturate(f32(f32(acc as f64) * f32(f32(a * b) / y)), zero, dtype)
}
