//! `com.microsoft.GroupNorm`: groups of channels to zero mean and unit variance, scale, bias, and perhaps SiLU.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given};
use super::common::elementwise::sample_floats;
use super::common::group_norm::Spec;
use super::common::qlinear::composite;
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Value, attrs};

attrs!(MicrosoftGroupNormAttrs {
    /// 1 where SiLU follows, 0 where nothing does.
    activation: i64,
    /// Whether channels are the last axis.
    channels_last: bool = true,
    /// Added to the variance.
    epsilon: f32 = 1e-5,
    /// Number of groups of channels.
    groups: i64,
});

/// See the module.
pub static MICROSOFT_GROUP_NORM: Composite =
    composite("GroupNorm", MicrosoftGroupNormAttrs::SCHEMA, Arity::exactly(3), define, samples);

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = MicrosoftGroupNormAttrs::read(c.attrs)?;
    let spec = Spec { activation: a.activation, last: a.channels_last, epsilon: a.epsilon, groups: a.groups };
    Ok(vec![spec.apply(b, given(x, 0, "X")?, given(x, 1, "gamma")?, given(x, 2, "beta")?)?])
}

fn samples() -> Vec<Sample> {
    let f = sample_floats;
    let with = |activation: i64| Attrs::new().with("activation", activation).with("groups", 2i64);
    let first = with(0).with("channels_last", 0i64).with("epsilon", 0.1f32);
    let half = vec![f(&[1, 2, 2, 4], 1).cast(DType::F16), f(&[4], 2), f(&[4], 3)];
    vec![
        Sample::new(with(1), vec![f(&[2, 3, 2, 4], 1), f(&[4], 2), f(&[4], 3)]),
        Sample::new(first, vec![f(&[2, 4, 3, 2], 1), f(&[4], 2), f(&[4], 3)]),
        Sample::new(with(1), half),
    ]
}
