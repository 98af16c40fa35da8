//! `com.microsoft.QGemm`: `alpha * a_scale * b_scale * ((A - a_zero)' (B - b_zero)' + C)`, quantized again where a scale
//! of the result is given.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given, optional};
use super::common::qlinear::composite;
use super::common::quantize::sample_ints;
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value, attrs};

attrs!(QGemmAttrs {
    /// Factor of the product and of C.
    alpha: f32 = 1.0,
    /// Whether A is transposed.
    transA: bool = false,
    /// Whether B is transposed.
    transB: bool = false,
});

/// See the module.
pub static MICROSOFT_QGEMM: Composite = composite("QGemm", QGemmAttrs::SCHEMA, Arity::range(6, 9), define, samples);

/// Names of the operands that must be there.
const NAMES: [&str; 6] = ["A", "a_scale", "a_zero_point", "B", "b_scale", "b_zero_point"];
const C: usize = 6;
const Y_SCALE: usize = 7;
const Y_ZERO: usize = 8;

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = QGemmAttrs::read(c.attrs)?;
    let v: Vec<Value> = NAMES.iter().enumerate().map(|(i, name)| given(x, i, name)).collect::<Result<_>>()?;
    let left = if a.transA { b.transpose(v[0], &[1, 0])? } else { v[0] };
    let right = if a.transB { b.transpose(v[3], &[1, 0])? } else { v[3] };
    let zero = b.reshape(v[2], &[])?;
    let mut sums = b.plain("MatMulInteger", &[left, right, zero, v[5]])?;
    if let Some(c) = optional(x, C) {
        sums = b.plain("Add", &[sums, c])?;
    }
    let mut scale = b.plain("Mul", &[v[1], v[4]])?;
    if a.alpha != 1.0 {
        let alpha = b.number(DType::F32, a.alpha.into());
        scale = b.plain("Mul", &[alpha, scale])?;
    }
    let sums = b.cast(sums, DType::F32)?;
    let Some(y_scale) = optional(x, Y_SCALE) else { return Ok(vec![b.plain("Mul", &[sums, scale])?]) };
    // One factor for each sum, as integer kernels have it: the quotient of the scales comes first.
    let scale = b.plain("Div", &[scale, y_scale])?;
    let y = b.plain("Mul", &[sums, scale])?;
    let one = b.number(DType::F32, 1.0);
    let attrs = Attrs::new();
    let (attrs, zero) = match optional(x, Y_ZERO) {
        Some(z) => (attrs, Some(b.reshape(z, &[])?)),
        None => (attrs.with("output_dtype", b.g.fact(v[0]).dtype), None),
    };
    Ok(vec![b.optional("QuantizeLinear", attrs, &[Some(y), Some(one), zero])?])
}

fn samples() -> Vec<Sample> {
    let one = |v: f32| Some(Tensor::f32(&[], &[v]));
    let zero = |dtype: DType, v: f64| Some(Tensor::floats(dtype, &[], &[v]));
    let ints = |dtype: DType, shape: &[usize], seed: i64| Some(sample_ints(dtype, shape, seed));
    let s = |attrs: Attrs, x: Vec<Option<Tensor>>| Sample { attrs, x, outputs: 1 };
    let left = |shape: &[usize]| vec![ints(DType::U8, shape, 1), one(0.03), zero(DType::U8, 9.0)];
    let right = |shape: &[usize]| vec![ints(DType::I8, shape, 2), one(0.05), zero(DType::I8, -3.0)];
    let bias = Some(Tensor::floats(DType::I32, &[4], &[5.0, -700.0, 30.0, 0.0]));
    let columns =
        vec![ints(DType::I8, &[3, 4], 3), Some(Tensor::f32(&[4], &[0.1, 0.2, 0.3, 0.4])), ints(DType::I8, &[4], 4)];
    let turned = Attrs::new().with("transA", 1i64).with("transB", 1i64).with("alpha", 0.5f32);
    let stored = vec![bias.clone(), one(4.0), zero(DType::U8, 100.0)];
    vec![
        s(Attrs::new(), [left(&[2, 3]), right(&[3, 4])].concat()),
        s(turned, [left(&[3, 2]), right(&[4, 3]), stored].concat()),
        s(Attrs::new(), [left(&[2, 3]), columns, vec![bias, one(7.0)]].concat()),
    ]
}
