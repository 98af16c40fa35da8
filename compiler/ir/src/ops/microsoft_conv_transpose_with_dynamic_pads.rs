//! `com.microsoft.ConvTransposeWithDynamicPads`: `ConvTranspose` with pads as an operand, which must be constant.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given, optional};
use super::common::elementwise::sample_floats;
use super::common::qlinear::composite;
use crate::{Arity, Attrs, Ctx, Result, Sample, Tensor, Value, attrs, bail};

attrs!(ConvTransposeWithDynamicPadsAttrs {
    /// `NOTSET`, `SAME_UPPER`, `SAME_LOWER` or `VALID`.
    auto_pad: String = "NOTSET".into(),
    /// Step between taps along each spatial axis.
    dilations: Vec<i64> = vec![],
    /// Number of blocked channel groups.
    group: i64 = 1,
    /// Extent of the kernel; inferred from W when absent.
    kernel_shape: Vec<i64> = vec![],
    /// Elements added to the end of each spatial axis.
    output_padding: Vec<i64> = vec![],
    /// Step of the window along each spatial axis.
    strides: Vec<i64> = vec![],
});

/// See the module.
pub static MICROSOFT_CONV_TRANSPOSE_WITH_DYNAMIC_PADS: Composite = composite(
    "ConvTransposeWithDynamicPads",
    ConvTransposeWithDynamicPadsAttrs::SCHEMA,
    Arity::range(2, 4),
    define,
    samples,
);

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    ConvTransposeWithDynamicPadsAttrs::read(c.attrs)?;
    let mut attrs = c.attrs.clone();
    if let Some(pads) = optional(x, 2) {
        let Some(pads) = b.g.fact(pads).as_ints() else {
            bail!("operand Pads is {}, expected a constant", b.g.fact(pads));
        };
        attrs.set("pads", pads);
    }
    let operands = [Some(given(x, 0, "X")?), Some(given(x, 1, "W")?), optional(x, 3)];
    Ok(vec![b.optional("ConvTranspose", attrs, &operands)?])
}

fn samples() -> Vec<Sample> {
    let f = |shape: &[usize], seed: u32| Some(sample_floats(shape, seed));
    let attrs = Attrs::new().with("strides", vec![2i64, 1]).with("kernel_shape", vec![3i64, 3]);
    let attrs = attrs.with("dilations", vec![1i64, 1]).with("group", 1i64).with("auto_pad", "NOTSET");
    let attrs = attrs.with("output_padding", vec![1i64, 0]);
    let x = |pads: Option<Tensor>| vec![f(&[1, 2, 4, 4], 1), f(&[2, 3, 3, 3], 2), pads, f(&[3], 3)];
    let pads = Some(Tensor::i64(&[4], &[1, 0, 1, 1]));
    vec![Sample { attrs, x: x(None), outputs: 1 }, Sample { attrs: Attrs::new(), x: x(pads), outputs: 1 }]
}
