//! `com.microsoft.FusedConv`: a convolution, a summand and an activation in one.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, optional};
use super::common::elementwise::sample_floats;
use super::common::fused_activation::activated;
use super::common::qlinear::composite;
use crate::{Arity, Attrs, Ctx, Result, Sample, Value, attrs};

attrs!(FusedConvAttrs {
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
pub static MICROSOFT_FUSED_CONV: Composite =
    composite("FusedConv", FusedConvAttrs::SCHEMA, Arity::range(2, 4), define, samples);

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = FusedConvAttrs::read(c.attrs)?;
    let mut attrs = c.attrs.clone();
    attrs.remove("activation");
    attrs.remove("activation_params");
    let mut y = b.optional("Conv", attrs, &x[..x.len().min(3)])?;
    if let Some(z) = optional(x, 3) {
        y = b.plain("Add", &[y, z])?;
    }
    Ok(vec![activated(b, y, &a.activation, &a.activation_params)?])
}

fn samples() -> Vec<Sample> {
    let with = |a: Attrs, name: &str, p: &[f32]| {
        let a = a.with("activation", name);
        if p.is_empty() { a } else { a.with("activation_params", p.to_vec()) }
    };
    let (x, w) = (sample_floats(&[1, 2, 5, 4], 1), sample_floats(&[4, 2, 3, 3], 2));
    let s = |a: Attrs| Sample::new(a, vec![x.clone(), w.clone(), sample_floats(&[4], 3)]);
    let all = vec![x.clone(), w.clone(), sample_floats(&[4], 3), sample_floats(&[1, 4, 5, 4], 4)];
    let pads = Attrs::new().with("pads", vec![1i64; 4]).with("kernel_shape", vec![3i64, 3]);
    let strided = Attrs::new().with("strides", vec![2i64, 1]).with("dilations", vec![1i64, 1]);
    let grouped = Sample::new(Attrs::new().with("group", 2i64), vec![x.clone(), sample_floats(&[4, 1, 2, 2], 2)]);
    vec![
        Sample::new(with(pads, "Relu", &[]), all),
        s(with(strided, "Clip", &[-3.0, 6.0])),
        s(with(Attrs::new().with("auto_pad", "SAME_UPPER"), "LeakyRelu", &[0.2])),
        s(with(Attrs::new(), "HardSigmoid", &[0.05, 0.5])),
        grouped,
    ]
}
