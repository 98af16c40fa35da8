//! `com.microsoft.GridSample`: the operator of ai.onnx, before that had it.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given};
use super::common::elementwise::sample_floats;
use super::common::qlinear::composite;
use crate::{Arity, Attrs, Ctx, Result, Sample, Value, attrs, bail};

attrs!(MicrosoftGridSampleAttrs {
    /// Whether -1 and 1 are the centers of the outer pixels (true) or their outer edges.
    align_corners: bool = false,
    /// `bilinear`, `nearest` or `bicubic`.
    mode: String = "bilinear".into(),
    /// `zeros`, `border` or `reflection`: what is outside of the operand.
    padding_mode: String = "zeros".into(),
});

/// See the module.
pub static MICROSOFT_GRID_SAMPLE: Composite =
    composite("GridSample", MicrosoftGridSampleAttrs::SCHEMA, Arity::exactly(2), define, samples);

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let mode = match &*MicrosoftGridSampleAttrs::read(c.attrs)?.mode {
        "bilinear" => "linear",
        "bicubic" => "cubic",
        "nearest" => "nearest",
        other => bail!("mode is {other:?}, expected bilinear, nearest or bicubic"),
    };
    let attrs = c.attrs.clone().with("mode", mode);
    Ok(vec![b.op("GridSample", attrs, &[given(x, 0, "X")?, given(x, 1, "Grid")?])?])
}

fn samples() -> Vec<Sample> {
    let x = || vec![sample_floats(&[1, 2, 4, 5], 1), sample_floats(&[1, 3, 3, 2], 2)];
    let centers = Attrs::new().with("align_corners", 1i64).with("padding_mode", "border");
    vec![Sample::new(Attrs::new(), x()), Sample::new(centers.with("mode", "bicubic"), x())]
}
