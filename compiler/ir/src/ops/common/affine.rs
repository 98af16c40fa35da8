//! Scores that are affine in the features: linear models.

use super::expansion::Expansion;
use crate::{DType, Fact, Result, Tensor, Value, bail, ensure};

/// A matrix of coefficients, one row for each score, and what is added.
pub struct Affine {
    /// Coefficients [scores, features], row-major.
    pub coefficients: Vec<f32>,
    /// One for each score; none are zeros.
    pub intercepts: Vec<f32>,
    /// Number of scores.
    pub scores: usize,
}

impl Affine {
    /// Features of the operand; a refusal if the coefficients are of another number.
    pub fn features(&self, x: &Fact) -> Result<usize> {
        ensure!(x.rank() == 2 && x.dtype != DType::Bool, "operand X is {x}, expected numbers [N,features]");
        ensure!(self.scores > 0, "attribute targets is 0, expected 1 or more");
        let (n, each) = (self.coefficients.len(), self.coefficients.len() / self.scores);
        let fits = each > 0 && n % self.scores == 0 && x.shape[1].as_const().is_none_or(|f| f == each as i64);
        ensure!(
            fits,
            "attribute coefficients has {n} numbers, expected {} times as many as the features of operand X, which is {x}",
            self.scores
        );
        let i = self.intercepts.len();
        ensure!(
            i == 0 || i == self.scores,
            "attribute intercepts has {i} numbers, expected one for each of {} scores",
            self.scores
        );
        Ok(each)
    }

    /// The scores of every row.
    pub fn eval(&self, x: &Tensor) -> Result<Vec<Vec<f64>>> {
        let n = self.features(&x.type_fact())?;
        let score = |row: &[f64], k: usize| {
            let own = &self.coefficients[k * n..(k + 1) * n];
            let product: f64 = row.iter().zip(own).map(|(x, c)| x * *c as f64).sum();
            product + self.intercepts.get(k).map_or(0.0, |v| *v as f64)
        };
        Ok(x.to_f64().chunks(n).map(|row| (0..self.scores).map(|k| score(row, k)).collect()).collect())
    }

    /// The same in a graph, in f32.
    pub fn apply(&self, e: &mut Expansion, x: Value) -> Result<Value> {
        let n = self.features(e.fact(x))?;
        let x = e.cast(x, DType::F32)?;
        let turned: Vec<f32> =
            (0..n * self.scores).map(|i| self.coefficients[(i % self.scores) * n + i / self.scores]).collect();
        let matrix = e.constant(Tensor::f32(&[n, self.scores], &turned));
        let product = e.op("MatMul", &[x, matrix])?;
        if self.intercepts.is_empty() {
            return Ok(product);
        }
        let own = e.constant(Tensor::f32(&[self.scores], &self.intercepts));
        e.op("Add", &[product, own])
    }
}

/// Refuses an empty list of coefficients by name.
pub fn some(v: Vec<f32>, what: &str) -> Result<Vec<f32>> {
    match v.is_empty() {
        true => bail!("attribute {what} is empty, expected numbers"),
        false => Ok(v),
    }
}
