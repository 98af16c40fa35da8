//! `com.microsoft.Pad`: the operator of ai.onnx with pads as an operand, before that had it.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given, optional};
use super::common::elementwise::sample_floats;
use super::common::qlinear::composite;
use crate::{Arity, Attrs, Ctx, Result, Sample, Tensor, Value, attrs};

attrs!(MicrosoftPadAttrs {
    /// `constant`, `reflect` or `edge`.
    mode: String = "constant".into(),
});

/// See the module.
pub static MICROSOFT_PAD: Composite = composite("Pad", MicrosoftPadAttrs::SCHEMA, Arity::range(2, 3), define, samples);

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    MicrosoftPadAttrs::read(c.attrs)?;
    let pads = b.reshape(given(x, 1, "pads")?, &[-1])?;
    let value = optional(x, 2).map(|v| b.reshape(v, &[])).transpose()?;
    Ok(vec![b.optional("Pad", c.attrs.clone(), &[Some(given(x, 0, "data")?), Some(pads), value])?])
}

fn samples() -> Vec<Sample> {
    let (x, pads) = (sample_floats(&[3, 4], 1), Tensor::i64(&[4], &[0, 1, 1, 0]));
    vec![
        Sample::new(Attrs::new(), vec![x.clone(), pads.clone(), Tensor::f32(&[1], &[2.0])]),
        Sample::new(Attrs::new().with("mode", "edge"), vec![x, pads]),
    ]
}
