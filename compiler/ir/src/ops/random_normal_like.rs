//! `RandomNormalLike`: `mean + scale * z`, `z` normal numbers, of the operand's shape.
//! <https://onnx.ai/onnx/operators/onnx__RandomNormalLike.html>

use super::common::random::{Drawing, Law, Random};
use crate::{Attrs, DType, Result, attrs};

attrs!(RandomNormalLikeAttrs {
    /// Type of the result; absent is the operand's.
    dtype: Option<DType>,
    /// Mean.
    mean: f32 = 0.0,
    /// Standard deviation.
    scale: f32 = 1.0,
    /// Seed; absent is 0.
    seed: Option<f32>,
});

fn drawing(a: &Attrs) -> Result<Drawing> {
    let a = RandomNormalLikeAttrs::read(a)?;
    Ok(Drawing { dtype: a.dtype, offset: a.mean as f64, factor: a.scale as f64, shape: None })
}

pub static RANDOM_NORMAL_LIKE: Random = Random {
    name: "RandomNormalLike",
    schema: RandomNormalLikeAttrs::SCHEMA,
    read: drawing,
    law: Law::Normal,
    like: true,
};
