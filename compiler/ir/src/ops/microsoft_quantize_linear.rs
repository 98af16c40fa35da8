//! `com.microsoft.QuantizeLinear`: the operator of ai.onnx, with 16-bit results before that had them.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::Composite;
use super::common::elementwise::sample_floats;
use super::common::qlinear::composite;
use super::common::quantize::sample_ints;
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value, attrs};

attrs!(MicrosoftQuantizeLinearAttrs {
    /// Axis of scales that are a vector.
    axis: i64 = 1,
});

/// See the module.
pub static MICROSOFT_QUANTIZE_LINEAR: Composite =
    composite("QuantizeLinear", MicrosoftQuantizeLinearAttrs::SCHEMA, Arity::range(2, 3), define, samples);

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    MicrosoftQuantizeLinearAttrs::read(c.attrs)?;
    Ok(vec![b.optional("QuantizeLinear", c.attrs.clone(), x)?])
}

fn samples() -> Vec<Sample> {
    let x = sample_floats(&[3, 4], 1);
    let zero = |dtype: DType, shape: &[usize]| sample_ints(dtype, shape, 2);
    let columns = Tensor::f32(&[4], &[0.1, 0.2, 0.3, 0.4]);
    vec![
        Sample::new(Attrs::new(), vec![x.clone(), Tensor::f32(&[], &[0.01]), zero(DType::U16, &[])]),
        Sample::new(Attrs::new().with("axis", 1i64), vec![x.clone(), columns, zero(DType::I8, &[4])]),
        Sample::new(Attrs::new(), vec![x, Tensor::f32(&[], &[0.1])]),
    ]
}
