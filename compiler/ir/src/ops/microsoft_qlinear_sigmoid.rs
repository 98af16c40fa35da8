//! `com.microsoft.QLinearSigmoid`: `1 / (1 + exp(-x))` of a quantized tensor, quantized again.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::composite::Composite;
use super::common::qlinear::{composite, operand, sample, unary};
use crate::{Arity, Attrs, DType, Sample, Tensor};

/// See the module.
pub static MICROSOFT_QLINEAR_SIGMOID: Composite = composite(
    "QLinearSigmoid",
    &[],
    Arity::range(4, 5),
    |b, _, x| unary(b, x, |b, v| b.plain("Sigmoid", &[v])),
    samples,
);

fn samples() -> Vec<Sample> {
    let scale = Some(Tensor::f32(&[], &[0.004]));
    let zero = Some(Tensor::floats(DType::I8, &[], &[-128.0]));
    vec![
        sample(Attrs::new(), &[&operand(DType::I8, &[2, 9], 0.1, Some(4.0)), &[scale.clone(), zero]]),
        sample(Attrs::new(), &[&operand(DType::U8, &[3, 5], 0.02, None), &[scale]]),
    ]
}
