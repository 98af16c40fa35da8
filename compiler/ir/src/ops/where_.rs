//! `Where`: element-wise `condition ? x : y` with broadcasting. <https://onnx.ai/onnx/operators/onnx__Where.html>

use super::common::elementwise::{self, all, sample_floats};
use crate::infer::same_dtype;
use crate::lower::{self, Lowering};
use crate::op::Strings;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Op, Result, Sample, Tensor, ensure};

pub struct Where;

/// The chosen size, where the condition is decided or does not matter.
fn choose(v: &[&Dim]) -> Option<Dim> {
    match v[0].as_const() {
        Some(c) => Some(if c != 0 { v[1].clone() } else { v[2].clone() }),
        None => (v[1] == v[2]).then(|| v[1].clone()),
    }
}

impl Op for Where {
    fn name(&self) -> &'static str {
        "Where"
    }
    fn operands(&self) -> Arity {
        Arity::exactly(3)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|i| i != 0)
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = all(x)?;
        ensure!(x[0].dtype == DType::Bool, "operand condition has type {}, expected bool", x[0].dtype);
        same_dtype(&x[1..])?;
        Ok(vec![elementwise::infer_known_all(&x, x[1].dtype, choose)?])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = all(x)?;
        Ok(vec![elementwise::eval(&x, x[1].dtype(), |v| if v[0].truth() { v[1] } else { v[2] })?])
    }
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        Ok(lower::map(&y[0], &all(x)?, |v| v[0].select(&v[1], &v[2])))
    }
    fn samples(&self) -> Vec<Sample> {
        let bits = |shape: &[usize], v: &[f64]| Tensor::floats(DType::Bool, shape, v);
        let ints = |v: &[i64]| Tensor::i64(&[v.len()], v);
        let row = bits(&[3], &[1.0, 0.0, 1.0]);
        let cases = [
            vec![row.clone(), sample_floats(&[2, 3], 1), sample_floats(&[2, 3], 2)],
            vec![bits(&[2, 1], &[0.0, 1.0]), sample_floats(&[3], 1), sample_floats(&[], 2)],
            vec![row.clone(), ints(&[1, 2, 3]), ints(&[-1])],
            vec![row.clone(), row.clone(), bits(&[1], &[0.0])],
        ];
        cases.into_iter().map(|x| Sample::new(Attrs::new(), x)).collect()
    }
}
