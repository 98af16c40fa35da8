//! `com.microsoft.QLinearConv`: `QLinearConv` with channels as second or as last axis.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given};
use super::common::qlinear::{channels_first, composite};
use super::common::quantize::sample_ints;
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value, attrs};

attrs!(MicrosoftQLinearConvAttrs {
    /// `NOTSET`, `SAME_UPPER`, `SAME_LOWER` or `VALID`.
    auto_pad: String = "NOTSET".into(),
    /// Whether channels are the last axis.
    channels_last: bool = false,
    /// Step between taps along each spatial axis.
    dilations: Vec<i64> = vec![],
    /// Number of blocked channel groups.
    group: i64 = 1,
    /// Extent of the kernel; inferred from w when absent.
    kernel_shape: Vec<i64> = vec![],
    /// Begins, then ends.
    pads: Vec<i64> = vec![],
    /// Step of the window along each spatial axis.
    strides: Vec<i64> = vec![],
});

/// See the module.
pub static MICROSOFT_QLINEAR_CONV: Composite =
    composite("QLinearConv", MicrosoftQLinearConvAttrs::SCHEMA, Arity::range(8, 9), define, samples);

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let last = MicrosoftQLinearConvAttrs::read(c.attrs)?.channels_last;
    let mut attrs = c.attrs.clone();
    attrs.remove("channels_last");
    let conv = |b: &mut Builder, v: Value| {
        let mut operands = x.to_vec();
        operands[0] = Some(v);
        b.optional("QLinearConv", attrs, &operands)
    };
    Ok(vec![channels_first(b, given(x, 0, "x")?, last, conv)?])
}

fn samples() -> Vec<Sample> {
    let scalar = |dtype: DType, v: f64| Tensor::floats(dtype, &[], &[v]);
    let one = |v: f32| Tensor::f32(&[], &[v]);
    let x = |shape: &[usize], channels: usize| {
        let w = sample_ints(DType::I8, &[4, channels, 2, 3], 4);
        let first = vec![sample_ints(DType::U8, shape, 3), one(0.03), scalar(DType::U8, 9.0), w, one(0.02)];
        [first, vec![scalar(DType::I8, 0.0), one(0.8), scalar(DType::U8, 100.0)]].concat()
    };
    let last = Attrs::new().with("channels_last", 1i64).with("pads", vec![1i64, 1, 0, 1]);
    let last = last.with("kernel_shape", vec![2i64, 3]).with("strides", vec![1i64, 2]);
    let first = Attrs::new().with("group", 2i64).with("dilations", vec![1i64, 1]).with("auto_pad", "VALID");
    let bias = Tensor::floats(DType::I32, &[4], &[500.0, -700.0, 3.0, 0.0]);
    vec![Sample::new(last, [x(&[1, 4, 5, 3], 3), vec![bias]].concat()), Sample::new(first, x(&[2, 4, 4, 5], 2))]
}
