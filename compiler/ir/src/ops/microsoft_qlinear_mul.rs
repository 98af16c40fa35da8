//! `com.microsoft.QLinearMul`: the product of two quantized tensors, quantized again.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::composite::Composite;
use super::common::qlinear::{binary, composite, operand, sample};
use crate::{Arity, Attrs, DType, Sample};

/// See the module.
pub static MICROSOFT_QLINEAR_MUL: Composite =
    composite("QLinearMul", &[], Arity::range(7, 8), |b, _, x| binary(b, x, "Mul"), samples);

fn samples() -> Vec<Sample> {
    let (i, u) = (DType::I8, DType::U8);
    let [scale, zero] = [1, 2].map(|k| operand(i, &[], 0.7, Some(-3.0))[k].clone());
    vec![
        sample(
            Attrs::new(),
            &[&operand(i, &[2, 3], 0.1, Some(4.0)), &operand(i, &[3], 0.3, Some(-2.0)), &[scale.clone(), zero]],
        ),
        sample(Attrs::new(), &[&operand(u, &[2, 9], 0.1, None), &operand(u, &[2, 1], 0.2, Some(7.0)), &[scale, None]]),
    ]
}
