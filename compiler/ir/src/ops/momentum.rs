//! `ai.onnx.preview.training.Momentum`: `V' = alpha V + beta (G + norm X)`, `X' = X - R V'`, or Nesterov's form.
//! <https://onnx.ai/onnx/operators/onnx_aionnxpreviewtraining_Momentum.html>

use super::common::builder::Builder;
use super::common::composite::Composite;
use super::common::optimizer::{composite, each, sample};
use crate::{Attrs, Ctx, Result, Sample, Value, attrs, ensure};

attrs!(MomentumAttrs {
    /// Decay of the momentum.
    alpha: f32,
    /// Factor of the gradient, but for the first step.
    beta: f32,
    /// `standard` or `nesterov`.
    mode: String,
    /// Weight decay.
    norm_coefficient: f32,
});

/// See the module.
pub static MOMENTUM: Composite = composite("Momentum", MomentumAttrs::SCHEMA, define, samples);

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = MomentumAttrs::read(c.attrs)?;
    ensure!(matches!(a.mode.as_str(), "standard" | "nesterov"), "mode is {:?}, expected standard or nesterov", a.mode);
    each(b, x, 3, &|s, r, t, v| {
        let decay = s.times(a.norm_coefficient.into(), v[0])?;
        let g = s.add(decay, v[1])?;
        let (one, beta) = (s.number(1.0), s.number(a.beta.into()));
        let beta = s.later(t, one, beta)?;
        let (old, scaled) = (s.times(a.alpha.into(), v[2])?, s.mul(beta, g)?);
        let momentum = s.add(old, scaled)?;
        let mut step = momentum;
        if a.mode == "nesterov" {
            let ahead = s.times(a.alpha.into(), momentum)?;
            step = s.add(g, ahead)?;
        }
        let step = s.mul(r, step)?;
        Ok(vec![s.sub(v[0], step)?, momentum])
    })
}

fn samples() -> Vec<Sample> {
    let a = |mode: &str| {
        let a = Attrs::new().with("alpha", 0.9f32).with("beta", 0.8f32);
        a.with("norm_coefficient", 0.01f32).with("mode", mode)
    };
    vec![sample(a("standard"), 3, 0), sample(a("nesterov"), 3, 4)]
}
