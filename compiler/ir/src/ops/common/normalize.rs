//! Zero mean and unit variance, or unit mean square, along some axes: what the normalizations share.

use super::expansion::{Expansion, wide};
use super::reduction::for_each_group;
use crate::infer::broadcast_index;
use crate::tensor::for_each_index;
use crate::{DType, Dim, Fact, Num, Result, Tensor, Value, ensure};

/// Elements normalized in groups, and the statistics of each group.
#[derive(Clone, Debug, Default)]
pub struct Normalized {
    /// `(x - mean) / sqrt(variance + epsilon)`.
    pub y: Vec<f64>,
    /// Mean of each group.
    pub mean: Vec<f64>,
    /// Population variance of each group, or its mean square.
    pub variance: Vec<f64>,
    epsilon: f64,
}

impl Normalized {
    /// `1 / sqrt(variance + epsilon)` of each group.
    pub fn inverse(&self) -> Vec<f64> {
        self.variance.iter().map(|v| 1.0 / (v + self.epsilon).sqrt()).collect()
    }
}

/// What is taken off each element before its square counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Center {
    /// The mean of the group.
    Mean,
    /// Nothing.
    Zero,
}

/// Meaning: groups are the elements that differ in the index along `axes` only.
pub fn eval(x: &[f64], shape: &[usize], axes: &[usize], epsilon: f64, center: Center) -> Normalized {
    let mut out = Normalized { y: vec![0.0; x.len()], epsilon, ..Default::default() };
    for_each_group(shape, axes, |at| {
        let n = at.len() as f64;
        let mean = if center == Center::Mean { at.iter().map(|i| x[*i]).sum::<f64>() / n } else { 0.0 };
        let variance = at.iter().map(|i| (x[*i] - mean).powi(2)).sum::<f64>() / n;
        for i in at {
            out.y[*i] = (x[*i] - mean) / (variance + epsilon).sqrt();
        }
        out.mean.push(mean);
        out.variance.push(variance);
    });
    out
}

/// `y * scale + bias` of elements of this shape; both broadcast to it.
pub fn affine(y: &[f64], shape: &[usize], scale: &Tensor, bias: Option<&Tensor>) -> Vec<f64> {
    let (scales, biases) = (scale.to_f64(), bias.map(Tensor::to_f64));
    let mut out = Vec::with_capacity(y.len());
    for_each_index(shape, |idx| {
        let scale = scales[broadcast_index(scale.shape(), idx)];
        let shift = bias.zip(biases.as_ref()).map_or(0.0, |(t, v)| v[broadcast_index(t.shape(), idx)]);
        out.push(y[out.len()] * scale + shift);
    });
    out
}

/// A tensor from f64 elements.
pub fn tensor(dtype: DType, shape: &[usize], v: Vec<f64>) -> Tensor {
    Tensor::new(dtype, shape, v.into_iter().map(Num::F))
}

/// The same as a graph.
#[derive(Clone, Copy, Debug)]
pub struct Nodes {
    /// Normalized elements.
    pub y: Value,
    /// Mean (or 0), reduced axes kept.
    pub mean: Value,
    /// Population variance or mean square, reduced axes kept.
    pub variance: Value,
    /// `sqrt(variance + epsilon)`.
    pub deviation: Value,
}

/// Adds the operators that normalize `x` along `axes`, in the type of `x`.
pub fn expand(e: &mut Expansion, x: Value, axes: &[i64], epsilon: f64, center: Center) -> Result<Nodes> {
    let (mean, centered) = match center {
        Center::Mean => {
            let mean = e.reduce("ReduceMean", x, axes)?;
            (mean, e.op("Sub", &[x, mean])?)
        }
        Center::Zero => (x, x),
    };
    let squares = e.op("Mul", &[centered, centered])?;
    let variance = e.reduce("ReduceMean", squares, axes)?;
    let epsilon = e.scalar(e.fact(x).dtype, epsilon);
    let shifted = e.op("Add", &[variance, epsilon])?;
    let deviation = e.op("Sqrt", &[shifted])?;
    let y = e.op("Div", &[centered, deviation])?;
    Ok(Nodes { y, mean, variance, deviation })
}

/// Adds `y * scale + bias` in the type of `y`.
pub fn expand_affine(e: &mut Expansion, y: Value, scale: Value, bias: Option<Value>) -> Result<Value> {
    let dtype = e.fact(y).dtype;
    let scale = e.cast(scale, dtype)?;
    let y = e.op("Mul", &[y, scale])?;
    match bias {
        Some(b) => {
            let b = e.cast(b, dtype)?;
            e.op("Add", &[y, b])
        }
        None => Ok(y),
    }
}

/// A vector with one element a channel, to be broadcast over axis 1 of `rank` axes.
pub fn per_channel(e: &mut Expansion, v: Value, rank: usize) -> Result<Value> {
    let mut shape = vec![1; rank.saturating_sub(1).max(1)];
    shape[0] = -1;
    let shape = e.ints(&shape);
    e.op("Reshape", &[v, shape])
}

/// The type that statistics are computed in: at least f32, and f64 for f64 elements.
pub fn statistics(e: &mut Expansion, x: Value) -> Result<Value> {
    let dtype = wide(e.fact(x).dtype);
    e.cast(x, dtype)
}

/// The shape of `x`, whose unknown sizes are those of a scale or bias that broadcasts to it; any other is refused.
pub fn broadcast_into(x: &[Dim], f: &Fact, name: &str) -> Result<Vec<Dim>> {
    let fits = |(d, x): (&Dim, &Dim)| d.is_one() || d == x || d.as_const().is_none() || x.as_const().is_none();
    let aligned = f.shape.iter().rev().zip(x.iter().rev());
    let target = Fact::new(f.dtype, x.iter().cloned());
    ensure!(
        f.rank() <= x.len() && aligned.into_iter().all(fits),
        "operand {name} is {f}, expected to broadcast to {target}"
    );
    let mut out = x.to_vec();
    for (x, d) in out.iter_mut().rev().zip(f.shape.iter().rev()) {
        learn(x, d);
    }
    Ok(out)
}

/// An unknown size is the constant it must be equal to.
fn learn(x: &mut Dim, d: &Dim) {
    if x.as_const().is_none() && d.as_const().is_some_and(|d| d != 1) {
        *x = d.clone();
    }
}

/// Refuses a vector that does not have one element for each channel; tells an unknown number of channels.
pub fn check_channels(f: &Fact, channels: &mut Dim, name: &str) -> Result<()> {
    let same = |d: &Dim| d.as_const().is_none() || channels.as_const().is_none() || d == channels;
    ensure!(f.rank() == 1 && same(&f.shape[0]), "{name} is {f}, expected shape [{channels}]");
    learn(channels, &f.shape[0]);
    Ok(())
}
