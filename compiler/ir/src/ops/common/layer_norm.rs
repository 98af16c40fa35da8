//! Normalization of the last axes: LayerNormalization, RMSNormalization and those that first add operands.

use super::elementwise::sample_floats;
use super::expansion::{Expansion, wide};
use super::normalize::{self, Center, Normalized, affine, broadcast_into, tensor};
use super::unary::check_type;
use crate::op::axis;
use crate::{DType, Dim, Fact, Result, Tensor, Value};

/// What one such operator does to its elements.
#[derive(Clone, Copy, Debug)]
pub struct Norm {
    /// What is taken off.
    pub center: Center,
    /// Added to the variance.
    pub epsilon: f64,
    /// First normalized axis.
    pub first: usize,
}

impl Norm {
    /// Attributes resolved for operands of `rank` axes.
    pub fn new(center: Center, epsilon: f32, first: i64, rank: usize) -> Result<Self> {
        Ok(Norm { center, epsilon: epsilon as f64, first: axis(first, rank)? })
    }

    /// Shape of the statistics: 1 along the normalized axes.
    pub fn statistics(&self, shape: &[Dim]) -> Vec<Dim> {
        shape.iter().enumerate().map(|(i, d)| if i < self.first { d.clone() } else { 1.into() }).collect()
    }

    /// Shape of the result; refuses what the operator does not take.
    pub fn infer(&self, x: &Fact, scale: &Fact, bias: Option<&Fact>) -> Result<Vec<Dim>> {
        check_type(DType::is_float, x.dtype)?;
        check_type(DType::is_float, scale.dtype)?;
        let shape = broadcast_into(&x.shape, scale, "scale")?;
        bias.map_or(Ok(shape.clone()), |b| broadcast_into(&shape, b, "bias"))
    }

    /// Meaning: the elements scaled and shifted, and the statistics.
    pub fn eval(&self, x: &[f64], shape: &[usize], scale: &Tensor, bias: Option<&Tensor>) -> (Vec<f64>, Normalized) {
        let axes: Vec<usize> = (self.first..shape.len()).collect();
        let n = normalize::eval(x, shape, &axes, self.epsilon, self.center);
        (affine(&n.y, shape, scale, bias), n)
    }

    /// The statistics as tensors: mean, then inverse deviation.
    pub fn statistics_of(&self, n: &Normalized, shape: &[usize], dtype: DType) -> [Tensor; 2] {
        let shape: Vec<usize> = shape.iter().enumerate().map(|(i, d)| if i < self.first { *d } else { 1 }).collect();
        [tensor(dtype, &shape, n.mean.clone()), tensor(dtype, &shape, n.inverse())]
    }

    /// Adds the operators; `x` is of the type of the statistics. Gives the result, mean and inverse deviation.
    pub fn expand(&self, e: &mut Expansion, x: Value, scale: Value, bias: Option<Value>) -> Result<[Value; 3]> {
        let axes: Vec<i64> = (self.first..e.fact(x).rank()).map(|a| a as i64).collect();
        let n = normalize::expand(e, x, &axes, self.epsilon, self.center)?;
        let y = normalize::expand_affine(e, n.y, scale, bias)?;
        let mean = match self.center {
            Center::Mean => n.mean,
            Center::Zero => e.op("Sub", &[n.variance, n.variance])?,
        };
        Ok([y, mean, n.deviation])
    }
}

/// The statistics are computed in the stash type, if that is wider than the elements.
pub fn stash(stash_type: i64, x: DType) -> DType {
    let asked = i32::try_from(stash_type).ok().and_then(DType::from_onnx).unwrap_or(DType::F32);
    if asked == DType::F64 { DType::F64 } else { wide(x) }
}

/// Operands of samples: elements, scale and bias of the last axes from `first`.
pub fn operands(shape: &[usize], first: usize, dtype: DType) -> Vec<Tensor> {
    let rest = &shape[first..];
    let list = [sample_floats(shape, 1), sample_floats(rest, 2), sample_floats(rest, 3)];
    list.into_iter().map(|t| t.cast(dtype)).collect()
}
