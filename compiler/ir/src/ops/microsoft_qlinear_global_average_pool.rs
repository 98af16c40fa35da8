//! `com.microsoft.QLinearGlobalAveragePool`: mean of each channel of a quantized tensor, quantized again.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::Composite;
use super::common::qlinear::{channels_first, composite, operand, sample, unary};
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value, attrs};

attrs!(QLinearGlobalAveragePoolAttrs {
    /// Whether channels are the last axis.
    channels_last: bool = false,
});

/// See the module.
pub static MICROSOFT_QLINEAR_GLOBAL_AVERAGE_POOL: Composite =
    composite("QLinearGlobalAveragePool", QLinearGlobalAveragePoolAttrs::SCHEMA, Arity::exactly(5), define, samples);

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let last = QLinearGlobalAveragePoolAttrs::read(c.attrs)?.channels_last;
    unary(b, x, |b, v| channels_first(b, v, last, |b, v| b.plain("GlobalAveragePool", &[v])))
}

fn samples() -> Vec<Sample> {
    let y = [Some(Tensor::f32(&[], &[0.05])), Some(Tensor::floats(DType::U8, &[], &[9.0]))];
    let s = |a: Attrs, shape: &[usize]| sample(a, &[&operand(DType::U8, shape, 0.1, Some(40.0)), &y]);
    vec![s(Attrs::new(), &[2, 3, 4, 5]), s(Attrs::new().with("channels_last", 1i64), &[1, 4, 5, 3])]
}
