//! `Squeeze`: takes axes of size 1 out. <https://onnx.ai/onnx/operators/onnx__Squeeze.html>

use super::common::movement::{axes, const_ints, counting, ints};
use crate::lower::Lowering;
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, Dim, Fact, Op, Result, Sample, Tensor, ensure};

pub struct Squeeze;

/// The shape without `list`, or without all axes known to have size 1.
fn squeezed(shape: &[Dim], list: Option<Vec<i64>>) -> Result<Vec<Dim>> {
    let out = match list {
        Some(list) => axes(&list, shape.len())?,
        None => (0..shape.len()).filter(|a| shape[*a].is_one()).collect(),
    };
    for a in &out {
        let size = &shape[*a];
        ensure!(size.as_const().is_none_or(|d| d == 1), "axis {a} has size {size}, expected 1");
    }
    Ok((0..shape.len()).filter(|a| !out.contains(a)).map(|a| shape[a].clone()).collect())
}

impl Op for Squeeze {
    fn name(&self) -> &'static str {
        "Squeeze"
    }
    fn operands(&self) -> Arity {
        Arity::range(1, 2)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|i| i == 0)
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let data = need(x, 0, "data")?;
        let y = Fact::new(data.dtype, squeezed(&data.shape, const_ints(x, 1, "axes")?)?);
        Ok(vec![match data.as_dims() {
            Some(v) => y.with_dims(v),
            None => y,
        }])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let data = need(x, 0, "data")?;
        let on = crate::op::maybe(x, 1).map(Tensor::to_i64);
        let shape = squeezed(&data.type_fact().shape, on)?;
        Ok(vec![data.reshape(&super::common::movement::sizes(&shape))?])
    }
    fn lowering(&self, _: &Ctx, _: &[Option<&Fact>], _: &[Fact]) -> Result<Lowering> {
        Ok(Lowering::Alias)
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        vec![
            Sample::new(Attrs::new(), vec![counting(&[1, 3, 1, 2])]),
            Sample::new(Attrs::new(), vec![counting(&[1, 3, 1, 2]), ints(&[-2])]),
            Sample::new(Attrs::new(), vec![ints(&[5]), ints(&[0])]),
        ]
    }
}
