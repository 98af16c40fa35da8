//! `ai.onnx.preview.training.Adagrad`: `H' = H + g^2`, `X' = X - r g / (sqrt(H') + epsilon)`.
//! <https://onnx.ai/onnx/operators/onnx_aionnxpreviewtraining_Adagrad.html>

use super::common::builder::Builder;
use super::common::composite::Composite;
use super::common::optimizer::{composite, each, sample};
use crate::{Attrs, Ctx, Result, Sample, Value, attrs};

attrs!(AdagradAttrs {
    /// Decay of the learning rate with the count.
    decay_factor: f32 = 0.0,
    /// Added to the root.
    epsilon: f32 = 1e-6,
    /// Weight decay.
    norm_coefficient: f32 = 0.0,
});

/// See the module.
pub static ADAGRAD: Composite = composite("Adagrad", AdagradAttrs::SCHEMA, define, samples);

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = AdagradAttrs::read(c.attrs)?;
    each(b, x, 3, &|s, r, t, v| {
        let (count, one) = (s.count(t)?, s.number(1.0));
        let slower = s.times(a.decay_factor.into(), count)?;
        let slower = s.add(one, slower)?;
        let rate = s.div(r, slower)?;
        let decay = s.times(a.norm_coefficient.into(), v[0])?;
        let g = s.add(decay, v[1])?;
        let square = s.mul(g, g)?;
        let h = s.add(v[2], square)?;
        let root = s.root(h, a.epsilon.into())?;
        let step = s.mul(rate, g)?;
        let step = s.div(step, root)?;
        Ok(vec![s.sub(v[0], step)?, h])
    })
}

fn samples() -> Vec<Sample> {
    let a = Attrs::new().with("decay_factor", 0.1f32).with("epsilon", 0.01f32).with("norm_coefficient", 0.02f32);
    vec![sample(Attrs::new(), 3, 0), sample(a, 3, 3)]
}
