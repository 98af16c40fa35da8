//! The function that a fused operator applies last, given by its name.

use super::builder::Builder;
use crate::{Attrs, Result, Value, bail};

/// `name(y)` with the parameters that are there: alpha, beta, gamma. An empty name changes nothing.
pub fn activated(b: &mut Builder, y: Value, name: &str, p: &[f32]) -> Result<Value> {
    let known: &[&str] = match name {
        "" => return Ok(y),
        "Relu" | "Tanh" | "Sigmoid" | "Softplus" | "Softsign" => &[],
        "LeakyRelu" | "Elu" | "ThresholdedRelu" => &["alpha"],
        "HardSigmoid" => &["alpha", "beta"],
        "Selu" => &["alpha", "gamma"],
        "Clip" => return clipped(b, y, p),
        _ => bail!("activation is {name:?}, expected the name of one, e.g. Relu, Clip or HardSigmoid"),
    };
    let attrs = known.iter().zip(p).fold(Attrs::new(), |a, (name, v)| a.with(name, *v));
    b.op(name, attrs, &[y])
}

fn clipped(b: &mut Builder, y: Value, p: &[f32]) -> Result<Value> {
    let [low, high, ..] = p else { bail!("activation Clip has {} parameters, expected 2", p.len()) };
    let dtype = b.g.fact(y).dtype;
    let (low, high) = (b.number(dtype, (*low).into()), b.number(dtype, (*high).into()));
    b.plain("Clip", &[y, low, high])
}
