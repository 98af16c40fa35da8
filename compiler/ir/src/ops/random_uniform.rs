//! `RandomUniform`: `low + (high - low) * u`, `u` numbers uniform in 0..1, of a given shape.
//! <https://onnx.ai/onnx/operators/onnx__RandomUniform.html>

use super::common::random::{Drawing, Law, Random};
use crate::{Attrs, DType, Result, attrs};

attrs!(RandomUniformAttrs {
    /// Type of the result.
    dtype: DType = DType::F32,
    /// Upper bound, not reached.
    high: f32 = 1.0,
    /// Lower bound.
    low: f32 = 0.0,
    /// Seed; absent is 0.
    seed: Option<f32>,
    /// Shape of the result.
    shape: Vec<i64>,
});

fn drawing(a: &Attrs) -> Result<Drawing> {
    let a = RandomUniformAttrs::read(a)?;
    Ok(Drawing {
        dtype: Some(a.dtype),
        offset: a.low as f64,
        factor: a.high as f64 - a.low as f64,
        shape: Some(a.shape),
    })
}

pub static RANDOM_UNIFORM: Random =
    Random { name: "RandomUniform", schema: RandomUniformAttrs::SCHEMA, read: drawing, law: Law::Uniform, like: false };
