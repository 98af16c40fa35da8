//! `Transpose`: axis `i` of the result is axis `perm[i]` of the operand.
//! <https://onnx.ai/onnx/operators/onnx__Transpose.html>

use super::common::movement::{axes, counting, offset, take};
use super::common::quantize::sample_narrow;
use crate::lower::{self, Expr, Lowering};
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(TransposeAttrs {
    /// A permutation of the axes; absent reverses them.
    perm: Option<Vec<i64>>,
});

pub struct Transpose;

/// The permutation for an operand of this rank.
fn permutation(c: &Ctx, rank: usize) -> Result<Vec<usize>> {
    let Some(perm) = TransposeAttrs::read(c.attrs)?.perm else { return Ok((0..rank).rev().collect()) };
    ensure!(perm.len() == rank, "perm is {perm:?}, expected {rank} axes");
    axes(&perm, rank)
}

impl Op for Transpose {
    fn name(&self) -> &'static str {
        "Transpose"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        TransposeAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|_| true)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = need(x, 0, "data")?;
        let perm = permutation(c, x.rank())?;
        if x.rank() <= 1 {
            return Ok(vec![x.clone()]);
        }
        Ok(vec![Fact::new(x.dtype, perm.iter().map(|p| x.shape[*p].clone()))])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "data")?;
        let perm = permutation(c, x.rank())?;
        let shape: Vec<usize> = perm.iter().map(|p| x.shape()[*p]).collect();
        let strides: Vec<usize> = perm.iter().map(|p| x.strides()[*p]).collect();
        Ok(vec![take(x, &shape, |idx| offset(&strides, idx))?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let x = need(x, 0, "data")?;
        let mut index = Expr::vars(x.rank());
        for (i, p) in permutation(c, x.rank())?.into_iter().enumerate() {
            index[p] = Expr::var(i as u32);
        }
        Ok(lower::gather(&y[0], x, index))
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let perm = |p: Vec<i64>| Attrs::new().with("perm", p);
        vec![
            Sample::new(Attrs::new(), vec![counting(&[2, 3])]),
            Sample::new(perm(vec![0, 2, 1]), vec![counting(&[2, 3, 5])]),
            Sample::new(perm(vec![3, 0, 1, 2]), vec![counting(&[2, 1, 3, 2])]),
            Sample::new(perm(vec![0]), vec![Tensor::i64(&[3], &[4, 5, 6])]),
            Sample::new(Attrs::new(), vec![sample_narrow(DType::F8E4M3FN)]),
            Sample::new(Attrs::new(), vec![sample_narrow(DType::I4)]),
        ]
    }
}
