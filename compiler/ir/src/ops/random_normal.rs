//! `RandomNormal`: `mean + scale * z`, `z` normal numbers, of a given shape.
//! <https://onnx.ai/onnx/operators/onnx__RandomNormal.html>

use super::common::random::{Drawing, Law, Random};
use crate::{Attrs, DType, Result, attrs};

attrs!(RandomNormalAttrs {
    /// Type of the result.
    dtype: DType = DType::F32,
    /// Mean.
    mean: f32 = 0.0,
    /// Standard deviation.
    scale: f32 = 1.0,
    /// Seed; absent is 0.
    seed: Option<f32>,
    /// Shape of the result.
    shape: Vec<i64>,
});

fn drawing(a: &Attrs) -> Result<Drawing> {
    let a = RandomNormalAttrs::read(a)?;
    Ok(Drawing { dtype: Some(a.dtype), offset: a.mean as f64, factor: a.scale as f64, shape: Some(a.shape) })
}

pub static RANDOM_NORMAL: Random =
    Random { name: "RandomNormal", schema: RandomNormalAttrs::SCHEMA, read: drawing, law: Law::Normal, like: false };
