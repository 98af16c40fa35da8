//! `ConstantOfShape`: one value everywhere. <https://onnx.ai/onnx/operators/onnx__ConstantOfShape.html>

use super::common::movement::{constant, dynamic, element, ints, vector_len};
use crate::lower::{Comp, Lowering};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};
use std::sync::Arc;

attrs!(ConstantOfShapeAttrs {
    /// The value, one element; absent is the f32 0.
    value: Option<Arc<Tensor>>,
});

pub struct ConstantOfShape;

fn value(c: &Ctx) -> Result<(DType, Num)> {
    let Some(t) = ConstantOfShapeAttrs::read(c.attrs)?.value else { return Ok((DType::F32, Num::F(0.0))) };
    ensure!(t.len() == 1, "operand value has {} elements, expected 1", t.len());
    Ok((t.dtype(), t.at(0)))
}

impl Op for ConstantOfShape {
    fn name(&self) -> &'static str {
        "ConstantOfShape"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        ConstantOfShapeAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (dtype, v) = value(c)?;
        let n = vector_len(x, 0, "input")?;
        let dims = need(x, 0, "input")?.as_dims().unwrap_or_else(|| (0..n).map(|k| c.fresh(k)).collect());
        ensure!(
            !dims.iter().any(|d| d.as_const().is_some_and(|d| d < 0)),
            "operand input has a negative size, expected 0 or more"
        );
        let y = Fact::new(dtype, dims);
        let len = y.len().as_const().filter(|n| *n <= 1024 && y.rank() <= 1 && !dtype.is_float());
        Ok(vec![match (len, i64::try_from(v.i())) {
            (Some(n), Ok(v)) => y.with_dims(vec![Dim::from(v); n as usize]),
            _ => y,
        }])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (dtype, v) = value(c)?;
        let shape: Vec<usize> = need(x, 0, "input")?.to_i64().into_iter().map(|d| d.max(0) as usize).collect();
        Ok(vec![Tensor::new(dtype, &shape, std::iter::repeat_n(v, shape.iter().product()))])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (dtype, v) = value(c)?;
        let shape = need(x, 0, "input")?;
        let fill = Lowering::Comps(vec![Comp::new(&y[0], constant(dtype, v))]);
        if shape.as_dims().is_some() {
            return Ok(fill);
        }
        let n = vector_len(x, 0, "input")?;
        Ok(dynamic(c, &(0..n).map(|k| element(0, shape, k)).collect::<Vec<_>>(), fill))
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let of = |t: Tensor| Attrs::new().with("value", t);
        vec![
            Sample::new(Attrs::new(), vec![ints(&[2, 3])]),
            Sample::new(of(Tensor::i64(&[1], &[-7])), vec![ints(&[3])]),
            Sample::new(of(Tensor::i64(&[1], &[-1]).cast(DType::U64)), vec![ints(&[2])]),
            Sample::new(of(Tensor::f32(&[1], &[0.5]).cast(DType::F16)), vec![ints(&[])]),
            Sample::new(of(Tensor::f32(&[1], &[0.5]).cast(DType::F8E4M3FN)), vec![ints(&[3])]),
            Sample::new(of(Tensor::i64(&[1], &[-7]).cast(DType::I4)), vec![ints(&[5])]),
            Sample::new(of(Tensor::i64(&[1], &[1]).cast(DType::Bool)), vec![ints(&[2, 0])]),
        ]
    }
}
