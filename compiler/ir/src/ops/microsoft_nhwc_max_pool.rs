//! `com.microsoft.NhwcMaxPool`: the largest element under a window of a tensor whose channels are the last axis.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given};
use super::common::qlinear::{channels_first, composite};
use super::common::quantize::sample_ints;
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Value, attrs};

attrs!(NhwcMaxPoolAttrs {
    /// `NOTSET`, `SAME_UPPER`, `SAME_LOWER` or `VALID`.
    auto_pad: String = "NOTSET".into(),
    /// Whether the size of the result is rounded up.
    ceil_mode: bool = false,
    /// Step between elements under the window.
    dilations: Vec<i64> = vec![],
    /// Extent of the window.
    kernel_shape: Vec<i64>,
    /// Begins, then ends.
    pads: Vec<i64> = vec![],
    /// Step of the window along each spatial axis.
    strides: Vec<i64> = vec![],
});

/// See the module.
pub static MICROSOFT_NHWC_MAX_POOL: Composite =
    composite("NhwcMaxPool", NhwcMaxPoolAttrs::SCHEMA, Arity::exactly(1), define, samples);

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    NhwcMaxPoolAttrs::read(c.attrs)?;
    let attrs = c.attrs.clone();
    Ok(vec![channels_first(b, given(x, 0, "x")?, true, |b, v| b.op("MaxPool", attrs, &[v]))?])
}

fn samples() -> Vec<Sample> {
    let kernel = Attrs::new().with("kernel_shape", vec![2i64, 3]);
    let padded = kernel.clone().with("pads", vec![1i64, 1, 0, 1]).with("strides", vec![1i64, 2]);
    let wide = kernel.with("dilations", vec![2i64, 1]).with("ceil_mode", 1i64).with("auto_pad", "NOTSET");
    let s = |a: Attrs, dtype: DType| Sample::new(a, vec![sample_ints(dtype, &[2, 5, 6, 3], 3)]);
    vec![s(padded, DType::U8), s(wide, DType::I8)]
}
