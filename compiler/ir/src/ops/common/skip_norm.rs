//! Normalization of the last axis of a sum: a residual connection and the norm after it.

use super::binary::number;
use super::elementwise::{self, sample_floats};
use super::expansion::{Expansion, wide};
use super::layer_norm::Norm;
use super::normalize::{Center, broadcast_into, tensor};
use crate::attrs::Field;
use crate::infer::same_dtype;
use crate::lower::Lowering;
use crate::op::{maybe, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, attrs};

attrs!(SkipNormAttrs {
    /// Added to the variance or mean square.
    epsilon: f32 = 1e-12,
});

/// `norm(input + skip + bias)` in the domain com.microsoft; results are it, mean, inverse deviation and the sum.
pub struct SkipNorm {
    /// Name of the operator.
    pub name: &'static str,
    /// What the norm takes off.
    pub center: Center,
    /// Operand that is added after the norm, if there may be one.
    pub beta: Option<usize>,
    /// Operand that is added before the norm.
    pub bias: usize,
}

impl SkipNorm {
    fn norm(&self, c: &Ctx, rank: usize) -> Result<Norm> {
        Norm::new(self.center, SkipNormAttrs::read(c.attrs)?.epsilon, -1, rank)
    }

    fn beta<'a, T>(&self, x: &[Option<&'a T>]) -> Option<&'a T> {
        self.beta.and_then(|i| maybe(x, i))
    }
}

impl Op for SkipNorm {
    fn name(&self) -> &'static str {
        self.name
    }
    fn domain(&self) -> &'static str {
        "com.microsoft"
    }
    fn schema(&self) -> &'static [Field] {
        SkipNormAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(3, self.bias + 1)
    }
    fn results(&self) -> Arity {
        Arity::range(1, 4)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (data, skip, gamma) = (need(x, 0, "input")?, need(x, 1, "skip")?, need(x, 2, "gamma")?);
        same_dtype(&[data, skip])?;
        let data = &Fact::new(data.dtype, broadcast_into(&data.shape, skip, "skip")?);
        let norm = self.norm(c, data.rank())?;
        let mut y = Fact::new(data.dtype, norm.infer(data, gamma, self.beta(x))?);
        if let Some(b) = maybe(x, self.bias) {
            y.shape = broadcast_into(&y.shape, b, "bias")?;
        }
        let statistics = Fact::new(DType::F32, norm.statistics(&y.shape));
        Ok([y.clone(), statistics.clone(), statistics, y].into_iter().take(c.outputs).collect())
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (data, skip, gamma) = (need(x, 0, "input")?, need(x, 1, "skip")?, need(x, 2, "gamma")?);
        let list: Vec<&Tensor> = [Some(data), Some(skip), maybe(x, self.bias)].into_iter().flatten().collect();
        let add = |a: Num, b: &Num| number(a, *b, |a, b| a + b, |a, b| a + b);
        let sum = elementwise::eval(&list, DType::F64, |v| v.iter().fold(Num::F(0.0), add))?;
        let norm = self.norm(c, data.rank())?;
        let (y, n) = norm.eval(&sum.to_f64(), data.shape(), gamma, self.beta(x));
        let [mean, inverse] = norm.statistics_of(&n, data.shape(), DType::F32);
        let y = tensor(data.dtype(), data.shape(), y);
        Ok([y, mean, inverse, sum.cast(data.dtype())].into_iter().take(c.outputs).collect())
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (mut e, dtype) = (Expansion::of(x), y[0].dtype);
        let mut terms = vec![e.x(0)?, e.x(1)?];
        terms.extend(e.operand(self.bias));
        let mut sum = e.cast(terms[0], wide(dtype))?;
        for t in &terms[1..] {
            let t = e.cast(*t, wide(dtype))?;
            sum = e.op("Add", &[sum, t])?;
        }
        let (gamma, beta) = (e.x(2)?, self.beta.and_then(|i| e.operand(i)));
        let [v, mean, deviation] = self.norm(c, y[0].rank())?.expand(&mut e, sum, gamma, beta)?;
        let inverse = e.op("Reciprocal", &[deviation])?;
        let mut out = vec![];
        for (v, f) in [v, mean, inverse, sum].into_iter().zip(y) {
            out.push(e.cast(v, f.dtype)?);
        }
        Ok(e.done(&out))
    }
    fn samples(&self) -> Vec<Sample> {
        let operands = |d: DType, all: bool| -> Vec<Option<Tensor>> {
            let row = |seed| Some(sample_floats(&[5], seed).cast(d));
            let mut x = vec![Some(sample_floats(&[2, 3, 5], 1).cast(d)), Some(sample_floats(&[2, 3, 5], 2).cast(d))];
            x.extend([row(3), row(4), row(5)]);
            x.truncate(if all { self.bias + 1 } else { 3 });
            x
        };
        let epsilon = Attrs::new().with("epsilon", 0.25f32);
        let mut shared = operands(DType::F32, false);
        shared[1] = Some(sample_floats(&[1, 3, 5], 2));
        vec![
            Sample { attrs: Attrs::new(), x: operands(DType::F32, false), outputs: 1 },
            Sample { attrs: epsilon.clone(), x: operands(DType::F32, true), outputs: 4 },
            Sample { attrs: epsilon, x: operands(DType::F16, true), outputs: 1 },
            Sample { attrs: Attrs::new(), x: shared, outputs: 3 },
        ]
    }
}
