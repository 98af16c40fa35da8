//! Kernel functions of support vector machines.

use super::expansion::Expansion;
use crate::{DType, Result, Tensor, Value, bail, ensure};

/// What two vectors are compared by; `d` is their product, `g`, `c` and `n` are parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// `d`.
    Linear,
    /// `(g * d + c) ^ n`.
    Poly,
    /// `exp(-g * |a - b|^2)`.
    Rbf,
    /// `tanh(g * d + c)`.
    Sigmoid,
}

/// A kernel function between rows and support vectors.
pub struct Kernel {
    kind: Kind,
    gamma: f64,
    coef0: f64,
    degree: f64,
    /// Support vectors [n, features], row-major.
    pub vectors: Vec<f32>,
    /// Number of support vectors.
    pub count: usize,
    /// Number of features.
    pub features: usize,
}

impl Kernel {
    /// A kernel from the attributes; `vectors` are cut into `count`.
    pub fn read(kind: &str, params: &[f32], vectors: Vec<f32>, count: usize) -> Result<Self> {
        let kind = match kind {
            "LINEAR" => Kind::Linear,
            "POLY" => Kind::Poly,
            "RBF" => Kind::Rbf,
            "SIGMOID" => Kind::Sigmoid,
            _ => bail!("kernel_type is {kind:?}, expected LINEAR, POLY, RBF or SIGMOID"),
        };
        ensure!(params.is_empty() || params.len() == 3, "kernel_params has {} numbers, expected 3", params.len());
        let parameter = |i: usize| params.get(i).map_or(0.0, |v| *v as f64);
        let n = vectors.len();
        ensure!(
            count > 0 && n > 0 && n.is_multiple_of(count),
            "attribute support_vectors has {n} numbers, expected as many for each of {count} vectors"
        );
        let features = n / count;
        Ok(Kernel { kind, gamma: parameter(0), coef0: parameter(1), degree: parameter(2), vectors, count, features })
    }

    /// The function of a row and every support vector.
    pub fn row(&self, x: &[f64]) -> Vec<f64> {
        let one = |v: &[f32]| {
            let pairs = || x.iter().zip(v).map(|(x, v)| (*x, *v as f64));
            let product: f64 = pairs().map(|(x, v)| x * v).sum();
            match self.kind {
                Kind::Linear => product,
                Kind::Poly => (self.gamma * product + self.coef0).powf(self.degree),
                Kind::Rbf => (-self.gamma * pairs().map(|(x, v)| (x - v) * (x - v)).sum::<f64>()).exp(),
                Kind::Sigmoid => (self.gamma * product + self.coef0).tanh(),
            }
        };
        self.vectors.chunks(self.features).map(one).collect()
    }

    /// The same of every row of an f32 matrix [N, features]: [N, vectors].
    pub fn apply(&self, e: &mut Expansion, x: Value) -> Result<Value> {
        if self.kind == Kind::Rbf {
            return self.rbf(e, x);
        }
        let (n, f) = (self.count, self.features);
        let turned: Vec<f32> = (0..n * f).map(|i| self.vectors[(i % n) * f + i / n]).collect();
        let turned = e.constant(Tensor::f32(&[f, n], &turned));
        let product = e.op("MatMul", &[x, turned])?;
        if self.kind == Kind::Linear {
            return Ok(product);
        }
        let (gamma, coef0) = (e.scalar(DType::F32, self.gamma), e.scalar(DType::F32, self.coef0));
        let scaled = e.op("Mul", &[product, gamma])?;
        let moved = e.op("Add", &[scaled, coef0])?;
        match self.kind {
            Kind::Sigmoid => e.op("Tanh", &[moved]),
            _ => {
                let degree = e.scalar(DType::F32, self.degree);
                e.op("Pow", &[moved, degree])
            }
        }
    }

    fn rbf(&self, e: &mut Expansion, x: Value) -> Result<Value> {
        let middle = e.ints(&[1]);
        let x = e.op("Unsqueeze", &[x, middle])?;
        let vectors = e.constant(Tensor::f32(&[self.count, self.features], &self.vectors));
        let away = e.op("Sub", &[x, vectors])?;
        let square = e.op("Mul", &[away, away])?;
        let sum = e.reduce("ReduceSum", square, &[-1])?;
        let (last, gamma) = (e.ints(&[-1]), e.scalar(DType::F32, -self.gamma));
        let sum = e.op("Squeeze", &[sum, last])?;
        let scaled = e.op("Mul", &[sum, gamma])?;
        e.op("Exp", &[scaled])
    }
}
