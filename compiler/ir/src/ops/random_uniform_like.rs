//! `RandomUniformLike`: `low + (high - low) * u`, `u` numbers uniform in 0..1, of the operand's shape.
//! <https://onnx.ai/onnx/operators/onnx__RandomUniformLike.html>

use super::common::random::{Drawing, Law, Random};
use crate::{Attrs, DType, Result, attrs};

attrs!(RandomUniformLikeAttrs {
    /// Type of the result; absent is the operand's.
    dtype: Option<DType>,
    /// Upper bound, not reached.
    high: f32 = 1.0,
    /// Lower bound.
    low: f32 = 0.0,
    /// Seed; absent is 0.
    seed: Option<f32>,
});

fn drawing(a: &Attrs) -> Result<Drawing> {
    let a = RandomUniformLikeAttrs::read(a)?;
    Ok(Drawing { dtype: a.dtype, offset: a.low as f64, factor: a.high as f64 - a.low as f64, shape: None })
}

pub static RANDOM_UNIFORM_LIKE: Random = Random {
    name: "RandomUniformLike",
    schema: RandomUniformLikeAttrs::SCHEMA,
    read: drawing,
    law: Law::Uniform,
    like: true,
};
