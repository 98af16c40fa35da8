//! `Unsqueeze`: adds axes of size 1. <https://onnx.ai/onnx/operators/onnx__Unsqueeze.html>

use super::common::movement::{axes, const_ints, counting, ints};
use crate::lower::Lowering;
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, Dim, Fact, Op, Result, Sample, Tensor};

pub struct Unsqueeze;

/// The shape with a 1 at each position of `list`, positions counted in the result.
fn unsqueezed(shape: &[Dim], list: &[i64]) -> Result<Vec<Dim>> {
    let rank = shape.len() + list.len();
    let ones = axes(list, rank)?;
    let mut rest = shape.iter().cloned();
    Ok((0..rank).map(|a| if ones.contains(&a) { 1.into() } else { rest.next().unwrap_or(1.into()) }).collect())
}

impl Op for Unsqueeze {
    fn name(&self) -> &'static str {
        "Unsqueeze"
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|i| i == 0)
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let data = need(x, 0, "data")?;
        let y = Fact::new(data.dtype, unsqueezed(&data.shape, &const_ints(x, 1, "axes")?.unwrap_or_default())?);
        Ok(vec![match data.as_dims().filter(|_| y.rank() <= 1) {
            Some(v) => y.with_dims(v),
            None => y,
        }])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (data, on) = (need(x, 0, "data")?, need(x, 1, "axes")?.to_i64());
        let shape = unsqueezed(&data.type_fact().shape, &on)?;
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
            Sample::new(Attrs::new(), vec![counting(&[3, 2]), ints(&[0, -1])]),
            Sample::new(Attrs::new(), vec![counting(&[3, 2]), ints(&[2, 1])]),
            Sample::new(Attrs::new(), vec![Tensor::i64(&[], &[5]), ints(&[0])]),
        ]
    }
}
