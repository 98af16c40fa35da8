//! `com.microsoft.DequantizeLinear`: the operator of ai.onnx, with 16-bit operands before that had them.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::Composite;
use super::common::elementwise::sample_floats;
use super::common::qlinear::composite;
use super::common::quantize::sample_ints;
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value, attrs};

attrs!(MicrosoftDequantizeLinearAttrs {
    /// Axis of scales that are a vector.
    axis: i64 = 1,
});

/// See the module.
pub static MICROSOFT_DEQUANTIZE_LINEAR: Composite =
    composite("DequantizeLinear", MicrosoftDequantizeLinearAttrs::SCHEMA, Arity::range(2, 3), define, samples);

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    MicrosoftDequantizeLinearAttrs::read(c.attrs)?;
    Ok(vec![b.optional("DequantizeLinear", c.attrs.clone(), x)?])
}

fn samples() -> Vec<Sample> {
    let x = |dtype: DType| sample_ints(dtype, &[3, 4], 1);
    let zero = |dtype: DType, shape: &[usize]| sample_ints(dtype, shape, 2);
    let rows = sample_floats(&[3], 3);
    vec![
        Sample::new(Attrs::new(), vec![x(DType::I16), Tensor::f32(&[], &[0.01]), zero(DType::I16, &[])]),
        Sample::new(Attrs::new().with("axis", 0i64), vec![x(DType::U8), rows, zero(DType::U8, &[3])]),
        Sample::new(Attrs::new(), vec![x(DType::I32), Tensor::f32(&[], &[0.1])]),
    ]
}
