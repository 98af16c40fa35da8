//! `com.microsoft.ExpandDims`: an axis of size 1 more.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given};
use super::common::elementwise::sample_floats;
use super::common::qlinear::composite;
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value, ensure};

/// See the module.
pub static MICROSOFT_EXPAND_DIMS: Composite = composite("ExpandDims", &[], Arity::exactly(2), define, samples);

fn define(b: &mut Builder, _: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let axis = given(x, 1, "axis")?;
    ensure!(!b.g.fact(axis).dtype.is_float(), "axis is {}, expected an integer", b.g.fact(axis));
    let axis = b.cast(axis, DType::I64)?;
    let axis = b.reshape(axis, &[1])?;
    Ok(vec![b.plain("Unsqueeze", &[given(x, 0, "X")?, axis])?])
}

fn samples() -> Vec<Sample> {
    let s = |axis: f64| {
        Sample::new(Attrs::new(), vec![sample_floats(&[2, 3], 1), Tensor::floats(DType::I32, &[], &[axis])])
    };
    vec![s(1.0), s(-1.0)]
}
