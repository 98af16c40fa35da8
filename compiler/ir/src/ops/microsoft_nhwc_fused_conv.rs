//! `com.microsoft.NhwcFusedConv`: `com.microsoft.FusedConv` of images whose channels are the last axis.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given, optional};
use super::common::elementwise::sample_floats;
use super::common::qlinear::{channels_first, composite};
use crate::{Arity, Attrs, Ctx, Result, Sample, Value, attrs};

attrs!(NhwcFusedConvAttrs {
    /// Name of the function that is applied last.
    activation: String = "".into(),
    /// Its parameters.
    activation_params: Vec<f32> = vec![],
    /// `NOTSET`, `SAME_UPPER`, `SAME_LOWER` or `VALID`.
    auto_pad: String = "NOTSET".into(),
    /// Step between taps along each spatial axis.
    dilations: Vec<i64> = vec![],
    /// Number of blocked channel groups.
    group: i64 = 1,
    /// Extent of the kernel; inferred from W when absent.
    kernel_shape: Vec<i64> = vec![],
    /// Begins, then ends.
    pads: Vec<i64> = vec![],
    /// Step of the window along each spatial axis.
    strides: Vec<i64> = vec![],
});

/// See the module.
pub static MICROSOFT_NHWC_FUSED_CONV: Composite =
    composite("NhwcFusedConv", NhwcFusedConvAttrs::SCHEMA, Arity::range(2, 4), define, samples);

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    NhwcFusedConvAttrs::read(c.attrs)?;
    let first = |rank: usize| -> Vec<i64> { [0, rank as i64 - 1].into_iter().chain(1..rank as i64 - 1).collect() };
    let summand = match optional(x, 3) {
        Some(z) => Some(b.transpose(z, &first(b.g.fact(z).rank()))?),
        None => None,
    };
    let (w, bias) = (given(x, 1, "W")?, optional(x, 2));
    let conv = |b: &mut Builder, v: Value| {
        b.optional("com.microsoft.FusedConv", c.attrs.clone(), &[Some(v), Some(w), bias, summand])
    };
    Ok(vec![channels_first(b, given(x, 0, "X")?, true, conv)?])
}

fn samples() -> Vec<Sample> {
    let f = |shape: &[usize], seed: u32| Some(sample_floats(shape, seed));
    let s = |attrs: Attrs, x: Vec<_>| Sample { attrs, x, outputs: 1 };
    let pads = Attrs::new().with("pads", vec![1i64; 4]).with("kernel_shape", vec![3i64, 3]);
    let strided = Attrs::new().with("strides", vec![2i64, 1]).with("dilations", vec![1i64, 1]);
    let leaky = strided.with("activation", "LeakyRelu").with("activation_params", vec![0.2f32]);
    let (x, w) = (f(&[1, 5, 4, 2], 1), f(&[4, 2, 3, 3], 2));
    vec![
        s(pads.with("activation", "Relu"), vec![x.clone(), w.clone(), f(&[4], 3), f(&[1, 5, 4, 4], 4)]),
        s(leaky.with("auto_pad", "SAME_UPPER"), vec![x.clone(), w]),
        s(Attrs::new().with("group", 2i64), vec![x, f(&[4, 1, 2, 2], 2), f(&[4], 3)]),
    ]
}
