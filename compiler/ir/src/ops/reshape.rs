//! `Reshape`: the same elements under another shape. <https://onnx.ai/onnx/operators/onnx__Reshape.html>

use super::common::elementwise::sample_floats;
use crate::lower::{Expr, Lowering, Proc, set, store};
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Op, Result, Sample, Tensor, attrs, bail, dim, ensure};

attrs!(ReshapeAttrs {
    /// A size 0 is 0 (true) or the operand's size on that axis (false).
    allowzero: bool = false,
});

pub struct Reshape;

/// The shape asked for, with 0 and -1 resolved.
fn target(x: &[Dim], want: &[Dim], allowzero: bool) -> Result<Vec<Dim>> {
    let minus_one = |d: &Dim| d.as_const() == Some(-1);
    ensure!(
        want.iter().filter(|d| minus_one(d)).count() <= 1,
        "operand shape has more than one -1, expected one at most"
    );
    let mut out = vec![];
    for (i, d) in want.iter().enumerate() {
        out.push(match d.as_const() {
            Some(0) if !allowzero => match x.get(i) {
                Some(d) => d.clone(),
                None => bail!("operand shape has 0 at {i}, expected a size: data has rank {}", x.len()),
            },
            Some(v) if v < -1 => bail!("operand shape has {v} at {i}, expected a size, 0 or -1"),
            _ => d.clone(),
        });
    }
    let total = dim::product(x);
    if let Some(at) = out.iter().position(minus_one) {
        let rest = dim::product(out.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, d)| d));
        ensure!(!rest.is_zero(), "operand shape has -1 beside a size of 0, expected sizes that tell it");
        out[at] = total.div(&rest);
        ensure!(
            total.as_const().is_none() || rest.as_const().is_none() || (total.rem(&rest)).is_zero(),
            "operand data has {total} elements, expected a multiple of {rest}"
        );
    } else if let (Some(a), Some(b)) = (total.as_const(), dim::product(&out).as_const()) {
        ensure!(a == b, "operand data has {a} elements, expected the {b} of operand shape");
    }
    Ok(out)
}

impl Op for Reshape {
    fn name(&self) -> &'static str {
        "Reshape"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        ReshapeAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|i| i == 0)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let allowzero = ReshapeAttrs::read(c.attrs)?.allowzero;
        let (data, shape) = (need(x, 0, "data")?, need(x, 1, "shape")?);
        ensure!(shape.dtype.is_int(), "operand shape is {shape}, expected integers");
        let dims = match (shape.as_dims(), shape.const_shape().as_deref()) {
            (Some(want), _) => target(&data.shape, &want, allowzero)?,
            (None, Some([rank])) => (0..*rank).map(|k| c.fresh(k)).collect(),
            _ => bail!("operand shape is {shape}, expected a vector of known length"),
        };
        let mut y = Fact::new(data.dtype, dims);
        if let (Some(v), true) = (data.as_dims(), y.rank() <= 1) {
            y = y.with_dims(v);
        }
        Ok(vec![y])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (data, shape) = (need(x, 0, "data")?, need(x, 1, "shape")?);
        let mut out = shape.to_i64();
        for (i, d) in out.iter_mut().enumerate() {
            if *d == 0 && !ReshapeAttrs::read(c.attrs)?.allowzero {
                *d = data.shape()[i] as i64;
            }
        }
        if let Some(at) = out.iter().position(|d| *d == -1) {
            let rest: i64 = out.iter().filter(|d| **d != -1).product();
            out[at] = data.len() as i64 / rest.max(1);
        }
        Ok(vec![data.reshape(&out.iter().map(|d| *d as usize).collect::<Vec<_>>())?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (data, shape) = (need(x, 0, "data")?, need(x, 1, "shape")?);
        if shape.as_dims().is_some() {
            return Ok(Lowering::Alias);
        }
        let rank = y[0].rank();
        Ok(Lowering::Dynamic {
            count: sizes(data, shape, rank, ReshapeAttrs::read(c.attrs)?.allowzero),
            symbols: (0..rank).map(|k| c.fresh_name(k)).collect(),
            fill: Box::new(Lowering::Alias),
        })
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let to = |shape: &[i64]| vec![sample_floats(&[2, 3, 4], 1), Tensor::i64(&[shape.len()], shape)];
        vec![
            Sample::new(Attrs::new(), to(&[4, 6])),
            Sample::new(Attrs::new(), to(&[0, -1])),
            Sample::new(Attrs::new(), to(&[24])),
            Sample::new(
                Attrs::new().with("allowzero", true),
                vec![Tensor::f32(&[0, 3], &[]), Tensor::i64(&[2], &[3, 0])],
            ),
        ]
    }
}

/// Resolves 0 and -1 of a shape that is only known as data. Register 0 is the product of the other sizes.
fn sizes(data: &Fact, shape: &Fact, rank: usize, allowzero: bool) -> Proc {
    let y = Fact::new(DType::I64, [rank.into()]);
    let int = Expr::int;
    let rest = Expr::reg(0, crate::lower::Ty::I64);
    let asked = |i: usize| Expr::load(1, shape, vec![int(i as i64)]);
    let resolved = |i: usize| match data.shape.get(i).filter(|_| !allowzero) {
        Some(d) => asked(i).eq(&int(0)).select(&Expr::size(d), &asked(i)),
        None => asked(i),
    };
    let known = |i: usize| asked(i).eq(&int(-1)).select(&int(1), &resolved(i));
    let mut body = vec![set(0, (0..rank).fold(int(1), |p, i| p.mul(&known(i))))];
    for i in 0..rank {
        let v = asked(i).eq(&int(-1)).select(&Expr::size(&data.len()).div(&rest), &resolved(i));
        body.push(store(0, &y, vec![int(i as i64)], v));
    }
    Proc { scratch: vec![], parallel: None, body }
}
