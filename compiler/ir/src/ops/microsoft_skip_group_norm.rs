//! `com.microsoft.SkipGroupNorm`: `S = X + skip + bias`, and the GroupNorm of it, perhaps with SiLU.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given, optional};
use super::common::elementwise::sample_floats;
use super::common::group_norm::Spec;
use crate::{Arity, Attrs, Ctx, Result, Sample, Value, attrs};

attrs!(SkipGroupNormAttrs {
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
pub static MICROSOFT_SKIP_GROUP_NORM: Composite = Composite {
    name: "SkipGroupNorm",
    domain: "com.microsoft",
    schema: SkipGroupNormAttrs::SCHEMA,
    operands: Arity::range(4, 5),
    results: Arity::range(1, 2),
    define,
    samples,
};

/// A vector of channels, or one vector for each image, so that it broadcasts to (batch, channels and two more axes).
fn spread(b: &mut Builder, v: Value, last: bool) -> Result<Value> {
    match (b.g.fact(v).rank(), last) {
        (1, false) => b.reshape(v, &[1, -1, 1, 1]),
        (2, true) => b.reshape(v, &[0, 1, 1, -1]),
        (2, false) => b.reshape(v, &[0, -1, 1, 1]),
        _ => Ok(v),
    }
}

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = SkipGroupNormAttrs::read(c.attrs)?;
    let skip = spread(b, given(x, 3, "skip")?, a.channels_last)?;
    let mut sum = b.plain("Add", &[given(x, 0, "X")?, skip])?;
    if let Some(bias) = optional(x, 4) {
        let bias = spread(b, bias, a.channels_last)?;
        sum = b.plain("Add", &[sum, bias])?;
    }
    let spec = Spec { activation: a.activation, last: a.channels_last, epsilon: a.epsilon, groups: a.groups };
    Ok(vec![spec.apply(b, sum, given(x, 1, "gamma")?, given(x, 2, "beta")?)?, sum])
}

fn samples() -> Vec<Sample> {
    let f = |shape: &[usize], seed: u32| Some(sample_floats(shape, seed));
    let with = |activation: i64| Attrs::new().with("activation", activation).with("groups", 2i64);
    let first = with(0).with("channels_last", 0i64).with("epsilon", 0.1f32);
    let vectors = || [f(&[4], 2), f(&[4], 3)];
    let x = |shape: &[usize], skip: &[usize]| [vec![f(shape, 1)], vectors().to_vec(), vec![f(skip, 4)]].concat();
    let biased = [x(&[2, 3, 2, 4], &[2, 4]), vec![f(&[4], 5)]].concat();
    vec![
        Sample { attrs: with(1), x: biased, outputs: 2 },
        Sample { attrs: first, x: [x(&[2, 4, 3, 2], &[2, 4, 3, 2]), vec![f(&[4], 5)]].concat(), outputs: 1 },
        Sample { attrs: with(1), x: x(&[2, 3, 2, 4], &[2, 1, 1, 4]), outputs: 2 },
    ]
}
