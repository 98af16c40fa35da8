//! Group normalization of diffusion models: channels first or last, and SiLU in the same operator.

use super::builder::Builder;
use crate::{Attrs, DType, Result, Value, ensure};

/// What both operators have as attributes.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// 1 where SiLU follows, 0 where nothing does.
    pub activation: i64,
    /// Whether channels are the last axis.
    pub last: bool,
    /// Added to the variance.
    pub epsilon: f32,
    /// Number of groups of channels.
    pub groups: i64,
}

impl Spec {
    /// `activation(normalized(x) * gamma + beta)`.
    pub fn apply(&self, b: &mut Builder, x: Value, gamma: Value, beta: Value) -> Result<Value> {
        ensure!(matches!(self.activation, 0 | 1), "activation is {}, expected 0 or 1", self.activation);
        let dtype = b.g.fact(x).dtype;
        let (wide, gamma, beta) = (b.cast(x, DType::F32)?, b.cast(gamma, DType::F32)?, b.cast(beta, DType::F32)?);
        let attrs = Attrs::new().with("num_groups", self.groups).with("epsilon", self.epsilon);
        let norm = |b: &mut Builder, v: Value| b.op("GroupNormalization", attrs, &[v, gamma, beta]);
        let mut y = super::qlinear::channels_first(b, wide, self.last, norm)?;
        if self.activation == 1 {
            y = b.plain("Swish", &[y])?;
        }
        b.cast(y, dtype)
    }
}
