//! `com.microsoft.QLinearLeakyRelu`: `x`, or `alpha * x` below 0, of a quantized tensor, quantized again.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::Composite;
use super::common::qlinear::{composite, operand, sample, unary};
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value, attrs};

attrs!(QLinearLeakyReluAttrs {
    /// Slope below 0.
    alpha: f32 = 0.01,
});

/// See the module.
pub static MICROSOFT_QLINEAR_LEAKY_RELU: Composite =
    composite("QLinearLeakyRelu", QLinearLeakyReluAttrs::SCHEMA, Arity::range(4, 5), define, samples);

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let alpha = QLinearLeakyReluAttrs::read(c.attrs)?.alpha;
    unary(b, x, |b, v| b.op("LeakyRelu", Attrs::new().with("alpha", alpha), &[v]))
}

fn samples() -> Vec<Sample> {
    let (scale, zero) = (Some(Tensor::f32(&[], &[0.07])), Some(Tensor::floats(DType::I8, &[], &[-20.0])));
    vec![
        sample(
            Attrs::new().with("alpha", 0.3f32),
            &[&operand(DType::I8, &[2, 9], 0.1, Some(4.0)), &[scale.clone(), zero]],
        ),
        sample(Attrs::new(), &[&operand(DType::U8, &[3, 5], 0.02, Some(128.0)), &[scale]]),
    ]
}
