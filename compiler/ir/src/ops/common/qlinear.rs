//! Operators on quantized tensors that compute in f32: dequantize, apply, quantize.

use super::builder::Builder;
use super::composite::{Definition, given, optional};
use super::quantize::sample_ints;
use crate::{Arity, Attrs, DType, Result, Sample, Tensor, Value};

/// What all of them share: see [`super::composite::Composite`].
pub const fn composite(
    name: &'static str,
    schema: &'static [crate::attrs::Field],
    operands: Arity,
    define: Definition,
    samples: fn() -> Vec<Sample>,
) -> super::composite::Composite {
    let (domain, results) = ("com.microsoft", Arity::exactly(1));
    super::composite::Composite { name, domain, schema, operands, results, define, samples }
}

/// Operand `i` in f32; its scale and zero point are the next two.
pub fn real(b: &mut Builder, x: &[Option<Value>], i: usize) -> Result<Value> {
    let operands = [Some(given(x, i, "x")?), Some(given(x, i + 1, "scale")?), optional(x, i + 2)];
    b.optional("DequantizeLinear", Attrs::new(), &operands)
}

/// `v` quantized by the scale and zero point at `i`; without zero point to elements of `dtype`.
pub fn stored(b: &mut Builder, v: Value, x: &[Option<Value>], i: usize, dtype: DType) -> Result<Vec<Value>> {
    let zero = optional(x, i + 1);
    let attrs = if zero.is_some() { Attrs::new() } else { Attrs::new().with("output_dtype", dtype) };
    Ok(vec![b.optional("QuantizeLinear", attrs, &[Some(v), Some(given(x, i, "y_scale")?), zero])?])
}

/// An operator of one operand: (X, scale, zero, Y scale, Y zero).
pub fn unary(
    b: &mut Builder,
    x: &[Option<Value>],
    f: impl FnOnce(&mut Builder, Value) -> Result<Value>,
) -> Result<Vec<Value>> {
    let dtype = b.g.fact(given(x, 0, "X")?).dtype;
    let v = real(b, x, 0)?;
    let y = f(b, v)?;
    stored(b, y, x, 3, dtype)
}

/// An operator of two operands: (A, scale, zero, B, scale, zero, C scale, C zero).
pub fn binary(b: &mut Builder, x: &[Option<Value>], op: &str) -> Result<Vec<Value>> {
    let dtype = b.g.fact(given(x, 0, "A")?).dtype;
    let (p, q) = (real(b, x, 0)?, real(b, x, 3)?);
    let y = b.plain(op, &[p, q])?;
    stored(b, y, x, 6, dtype)
}

/// `f` with channels as second axis, when they are the last.
pub fn channels_first(
    b: &mut Builder,
    v: Value,
    last: bool,
    f: impl FnOnce(&mut Builder, Value) -> Result<Value>,
) -> Result<Value> {
    let n = b.g.fact(v).rank() as i64;
    if !last || n < 3 {
        return f(b, v);
    }
    let to: Vec<i64> = [0, n - 1].into_iter().chain(1..n - 1).collect();
    let from: Vec<i64> = [0].into_iter().chain(2..n).chain([1]).collect();
    let v = b.transpose(v, &to)?;
    let y = f(b, v)?;
    b.transpose(y, &from)
}

/// A quantized sample with its scale and zero point.
pub fn operand(dtype: DType, shape: &[usize], scale: f32, zero: Option<f64>) -> [Option<Tensor>; 3] {
    [
        Some(sample_ints(dtype, shape, 5)),
        Some(Tensor::f32(&[], &[scale])),
        zero.map(|z| Tensor::floats(dtype, &[], &[z])),
    ]
}

/// A sample of operands that may be omitted.
pub fn sample(attrs: Attrs, x: &[&[Option<Tensor>]]) -> Sample {
    Sample { attrs, x: x.concat(), outputs: 1 }
}
