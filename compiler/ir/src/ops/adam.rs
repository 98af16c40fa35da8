//! `ai.onnx.preview.training.Adam`: running means of gradient and squared gradient, corrected for their start.
//! <https://onnx.ai/onnx/operators/onnx_aionnxpreviewtraining_Adam.html>

use super::common::builder::Builder;
use super::common::composite::Composite;
use super::common::optimizer::{Step, composite, each, sample};
use crate::{Attrs, Ctx, Result, Sample, Value, attrs};

attrs!(AdamAttrs {
    /// Decay of the mean gradient.
    alpha: f32 = 0.9,
    /// Decay of the mean squared gradient.
    beta: f32 = 0.999,
    /// Added to the root.
    epsilon: f32 = 1e-6,
    /// Weight decay by the gradient.
    norm_coefficient: f32 = 0.0,
    /// Weight decay after the step.
    norm_coefficient_post: f32 = 0.0,
});

/// See the module.
pub static ADAM: Composite = composite("Adam", AdamAttrs::SCHEMA, define, samples);

/// `decay * old + (1 - decay) * new`.
fn mean(s: &mut Step, decay: f32, old: Value, new: Value) -> Result<Value> {
    let (old, new) = (s.times(decay.into(), old)?, s.times(1.0 - f64::from(decay), new)?);
    s.add(old, new)
}

/// `1 - decay ^ count`.
fn begun(s: &mut Step, decay: f32, count: Value) -> Result<Value> {
    let (one, decay) = (s.number(1.0), s.number(decay.into()));
    let power = s.b.plain("Pow", &[decay, count])?;
    s.sub(one, power)
}

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = AdamAttrs::read(c.attrs)?;
    each(b, x, 4, &|s, r, t, v| {
        let decay = s.times(a.norm_coefficient.into(), v[0])?;
        let g = s.add(decay, v[1])?;
        let first = mean(s, a.alpha, v[2], g)?;
        let square = s.mul(g, g)?;
        let second = mean(s, a.beta, v[3], square)?;
        let root = s.root(second, a.epsilon.into())?;
        let count = s.count(t)?;
        let (p, q) = (begun(s, a.beta, count)?, begun(s, a.alpha, count)?);
        let p = s.b.plain("Sqrt", &[p])?;
        let rate = s.mul(r, p)?;
        let rate = s.div(rate, q)?;
        let rate = s.later(t, r, rate)?;
        let step = s.mul(rate, first)?;
        let step = s.div(step, root)?;
        let new = s.sub(v[0], step)?;
        Ok(vec![s.times(1.0 - f64::from(a.norm_coefficient_post), new)?, first, second])
    })
}

fn samples() -> Vec<Sample> {
    let a = Attrs::new().with("alpha", 0.8f32).with("beta", 0.9f32).with("epsilon", 0.01f32);
    let a = a.with("norm_coefficient", 0.02f32).with("norm_coefficient_post", 0.1f32);
    vec![sample(Attrs::new(), 4, 0), sample(a, 4, 3)]
}
