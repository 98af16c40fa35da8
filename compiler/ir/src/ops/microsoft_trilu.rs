//! `com.microsoft.Trilu`: the operator of ai.onnx, before that had it.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::Composite;
use super::common::elementwise::sample_floats;
use super::common::qlinear::composite;
use crate::{Arity, Attrs, Ctx, Result, Sample, Tensor, Value, attrs};

attrs!(MicrosoftTriluAttrs {
    /// Whether the upper triangle stays (true) or the lower one.
    upper: bool = true,
});

/// See the module.
pub static MICROSOFT_TRILU: Composite =
    composite("Trilu", MicrosoftTriluAttrs::SCHEMA, Arity::range(1, 2), define, samples);

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    MicrosoftTriluAttrs::read(c.attrs)?;
    Ok(vec![b.optional("Trilu", c.attrs.clone(), x)?])
}

fn samples() -> Vec<Sample> {
    let x = sample_floats(&[2, 3, 4], 1);
    let lower = Attrs::new().with("upper", 0i64);
    vec![Sample::new(Attrs::new(), vec![x.clone()]), Sample::new(lower, vec![x, Tensor::i64(&[], &[1])])]
}
