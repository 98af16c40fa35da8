//! `com.microsoft.QLinearAveragePool`: mean under a window of a quantized tensor, quantized again.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::Composite;
use super::common::qlinear::{channels_first, composite, operand, sample, unary};
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value, attrs};

attrs!(QLinearAveragePoolAttrs {
    /// `NOTSET`, `SAME_UPPER`, `SAME_LOWER` or `VALID`.
    auto_pad: String = "NOTSET".into(),
    /// Whether the size of the result is rounded up.
    ceil_mode: bool = false,
    /// Whether channels are the last axis.
    channels_last: bool = false,
    /// Whether padding counts as elements that are 0.
    count_include_pad: bool = false,
    /// Extent of the kernel.
    kernel_shape: Vec<i64>,
    /// Begins, then ends.
    pads: Vec<i64> = vec![],
    /// Step of the window along each spatial axis.
    strides: Vec<i64> = vec![],
});

/// See the module.
pub static MICROSOFT_QLINEAR_AVERAGE_POOL: Composite =
    composite("QLinearAveragePool", QLinearAveragePoolAttrs::SCHEMA, Arity::range(4, 5), define, samples);

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let last = QLinearAveragePoolAttrs::read(c.attrs)?.channels_last;
    let mut attrs = c.attrs.clone();
    attrs.remove("channels_last");
    unary(b, x, |b, v| channels_first(b, v, last, |b, v| b.op("AveragePool", attrs, &[v])))
}

fn samples() -> Vec<Sample> {
    let y = [Some(Tensor::f32(&[], &[0.05])), Some(Tensor::floats(DType::U8, &[], &[9.0]))];
    let s = |a: Attrs, shape: &[usize]| sample(a, &[&operand(DType::U8, shape, 0.1, Some(40.0)), &y]);
    let kernel = Attrs::new().with("kernel_shape", vec![3i64, 2]);
    let padded = kernel.clone().with("pads", vec![1i64, 0, 1, 1]).with("count_include_pad", 1i64);
    vec![
        s(kernel.clone().with("strides", vec![2i64, 2]).with("ceil_mode", 1i64), &[1, 2, 6, 5]),
        s(padded, &[1, 1, 4, 5]),
        s(kernel.with("channels_last", 1i64).with("auto_pad", "SAME_UPPER"), &[1, 4, 5, 3]),
    ]
}
