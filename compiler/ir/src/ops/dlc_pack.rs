//! `dlc.Pack`: a sequence or optional of the tensors that `dlc.Unpack` gives. Ours; stands where a program gives one.

use super::common::elementwise::all;
use super::common::movement::ints;
use super::dlc_unpack::{SCHEMA, check_parts, declared};
use crate::attrs::Field;
use crate::{Arity, Attrs, Ctx, DType, Fact, Form, Num, Op, Result, Sample, Tensor, bail, ensure};

pub struct Pack;

/// The tensors of these shapes, whose elements are `data`, one after another.
fn items(shapes: &Tensor, data: &Tensor) -> Result<Vec<Tensor>> {
    let (mut at, mut out) = (0, vec![]);
    for k in 0..shapes.shape()[0] {
        let width = shapes.shape()[1];
        let sizes = (0..width).map(|a| shapes.at(k * width + a).i());
        let shape: Vec<usize> = sizes.take_while(|d| *d >= 0).map(|d| d as usize).collect();
        let (left, product) = (data.len() - at, shape.iter().try_fold(1usize, |p, d| p.checked_mul(*d)));
        let Some(n) = product.filter(|n| *n <= left) else {
            bail!("operand shapes has {shape:?} for tensor {k}, expected at most {left} elements")
        };
        out.push(Tensor::new(data.dtype(), &shape, (at..at + n).map(|i| data.at(i))));
        at += n;
    }
    ensure!(at == data.len(), "operand data has {} elements, expected {at}", data.len());
    Ok(out)
}

impl Op for Pack {
    fn name(&self) -> &'static str {
        "Pack"
    }
    fn domain(&self) -> &'static str {
        "dlc"
    }
    fn schema(&self) -> &'static [Field] {
        SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(2, 3)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let f = declared(c)?;
        check_parts(&f, &all(x)?)?;
        Ok(vec![(*f).clone()])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (f, x) = (declared(c)?, all(x)?);
        let mut items = items(x[x.len() - 2], x[x.len() - 1])?;
        if f.form.is_optional() && !x[0].iter().any(|v| v.truth()) {
            return Ok(vec![Tensor::absent(f.dtype, f.form.is_sequence())]);
        }
        match f.form {
            Form::Optional(_) => {
                ensure!(items.len() == 1, "{} tensors are in an optional, expected 1", items.len());
                Ok(vec![items.remove(0)])
            }
            _ => Ok(vec![Tensor::sequence(f.dtype, items)]),
        }
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let data = super::common::elementwise::sample_floats(&[8], 1);
        let shapes = ints(&[2, 3, 2, 1]).reshape(&[2, 2]).unwrap_or_else(|_| ints(&[]));
        let one = ints(&[2, 4, -1, -1, -1, -1, -1, -1]).reshape(&[1, 8]).unwrap_or_else(|_| ints(&[]));
        let varying = Fact::new(DType::F32, [2.into(), crate::Dim::sym(crate::form::VARIES)]);
        let sequence = Fact::sequence(DType::F32, Some(&varying));
        let open = Fact { form: Form::Optional(crate::form::Rank::Open), ..Fact::new(DType::F32, []) };
        let there = Tensor::scalar(DType::Bool, Num::from(true));
        vec![
            Sample::new(Attrs::new().with("type", sequence), vec![shapes, data.clone()]),
            Sample::new(Attrs::new().with("type", open), vec![there, one, data]),
        ]
    }
}
