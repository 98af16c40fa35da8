//! Zero mean and unit variance along some axes: what the normalizations share.

use super::expansion::Expansion;
use super::reduction::for_each_group;
use crate::{Result, Value};

/// Elements normalized in groups, and the statistics of each group.
#[derive(Clone, Debug, Default)]
pub struct Normalized {
    /// `(x - mean) / sqrt(variance + epsilon)`.
    pub y: Vec<f64>,
    /// Mean of each group.
    pub mean: Vec<f64>,
    /// Population variance of each group.
    pub variance: Vec<f64>,
}

/// Meaning: groups are the elements that differ in the index along `axes` only.
pub fn eval(x: &[f64], shape: &[usize], axes: &[usize], epsilon: f64) -> Normalized {
    let mut out = Normalized { y: vec![0.0; x.len()], ..Default::default() };
    for_each_group(shape, axes, |at| {
        let n = at.len() as f64;
        let mean = at.iter().map(|i| x[*i]).sum::<f64>() / n;
        let variance = at.iter().map(|i| (x[*i] - mean).powi(2)).sum::<f64>() / n;
        for i in at {
            out.y[*i] = (x[*i] - mean) / (variance + epsilon).sqrt();
        }
        out.mean.push(mean);
        out.variance.push(variance);
    });
    out
}

/// The same as a graph.
#[derive(Clone, Copy, Debug)]
pub struct Nodes {
    /// Normalized elements.
    pub y: Value,
    /// Mean, reduced axes kept.
    pub mean: Value,
    /// Population variance, reduced axes kept.
    pub variance: Value,
    /// `sqrt(variance + epsilon)`.
    pub deviation: Value,
}

/// Adds the operators that normalize `x` along `axes`, in the type of `x`.
pub fn expand(e: &mut Expansion, x: Value, axes: &[i64], epsilon: f64) -> Result<Nodes> {
    let mean = e.reduce("ReduceMean", x, axes)?;
    let centered = e.op("Sub", &[x, mean])?;
    let squares = e.op("Mul", &[centered, centered])?;
    let variance = e.reduce("ReduceMean", squares, axes)?;
    let epsilon = e.scalar(e.fact(x).dtype, epsilon);
    let shifted = e.op("Add", &[variance, epsilon])?;
    let deviation = e.op("Sqrt", &[shifted])?;
    let y = e.op("Div", &[centered, deviation])?;
    Ok(Nodes { y, mean, variance, deviation })
}
