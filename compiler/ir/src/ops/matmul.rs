//! `MatMul`: matrix product over the last two axes, batched and broadcast as NumPy's.
//! <https://onnx.ai/onnx/operators/onnx__MatMul.html>

use super::common::contract::{self, Matrices};
use super::common::elementwise::sample_floats;
use crate::infer::same_dtype;
use crate::lower::Lowering;
use crate::op::need;
use crate::{Arity, Attrs, Ctx, Fact, Op, Result, Sample, Tensor};

pub struct MatMul;

impl Op for MatMul {
    fn name(&self) -> &'static str {
        "MatMul"
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (a, b) = (need(x, 0, "A")?, need(x, 1, "B")?);
        same_dtype(&[a, b])?;
        Ok(vec![Fact::new(a.dtype, Matrices::of(&a.shape, &b.shape)?.result())])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (a, b) = (need(x, 0, "A")?, need(x, 1, "B")?);
        Ok(vec![contract::eval_matmul(a, b, a.dtype(), |v| v, |v| v)?])
    }
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (a, b) = (need(x, 0, "A")?, need(x, 1, "B")?);
        Ok(Lowering::Contract(contract::matmul(a, b, &y[0])?))
    }
    fn samples(&self) -> Vec<Sample> {
        let s = |a: &[usize], b: &[usize]| Sample::new(Attrs::new(), vec![sample_floats(a, 1), sample_floats(b, 2)]);
        vec![
            s(&[2, 3], &[3, 4]),
            s(&[5, 13], &[13, 27]),
            s(&[2, 1, 3, 4], &[5, 4, 2]),
            s(&[3], &[3]),
            s(&[3], &[2, 3, 4]),
            s(&[2, 4, 3], &[3]),
            Sample::new(Attrs::new(), vec![Tensor::i64(&[1, 2], &[3, -4]), Tensor::i64(&[2, 1], &[5, 6])]),
        ]
    }
}
