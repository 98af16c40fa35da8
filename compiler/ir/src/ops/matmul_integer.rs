//! `MatMulInteger`: `(A - a_zero_point) (B - b_zero_point)` in 32-bit integers.
//! <https://onnx.ai/onnx/operators/onnx__MatMulInteger.html>

use super::common::contract::{self, Matrices, shift, shift_load};
use super::common::quantize::{sample_ints, shifts};
use crate::lower::{Expr, Lowering};
use crate::op::{maybe, need};
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Op, Result, Sample, Tensor, ensure};

pub struct MatMulInteger;

/// Shape under which a zero point broadcasts against its matrix: a vector of row offsets becomes a column.
pub fn column<T: Clone + From<usize>>(zero: &[T], rank: usize) -> Vec<T> {
    match (zero.len(), rank) {
        (1, 2..) => vec![zero[0].clone(), 1.into()],
        _ => zero.to_vec(),
    }
}

fn checked(what: &str, m: &Fact, zero: Option<&Fact>) -> Result<()> {
    ensure!(matches!(m.dtype, DType::I8 | DType::U8), "operand {what} has type {}, expected i8 or u8", m.dtype);
    if let Some(z) = zero {
        ensure!(z.dtype == m.dtype, "the zero_point of operand {what} has type {}, expected {}", z.dtype, m.dtype);
        ensure!(
            z.rank() <= m.rank(),
            "the zero_point of operand {what} is {z}, expected a rank of {} or less",
            m.rank()
        );
        let by = if what == "A" { column(&z.shape, m.rank()) } else { z.shape.clone() };
        let fits = |(d, z): (&Dim, &Dim)| z.is_one() || d.as_const().is_none() || z.as_const().is_none() || d == z;
        let ok = m.shape.iter().rev().zip(by.iter().rev()).all(fits);
        ensure!(ok, "the zero point of operand {what} is {z}, expected to broadcast to {m}");
    }
    Ok(())
}

impl Op for MatMulInteger {
    fn name(&self) -> &'static str {
        "MatMulInteger"
    }
    fn operands(&self) -> Arity {
        Arity::range(2, 4)
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (a, b) = (need(x, 0, "A")?, need(x, 1, "B")?);
        checked("A", a, maybe(x, 2))?;
        checked("B", b, maybe(x, 3))?;
        Ok(vec![Fact::new(DType::I32, Matrices::of(&a.shape, &b.shape)?.result())])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (a, b) = (need(x, 0, "A")?, need(x, 1, "B")?);
        let a = match maybe(x, 2) {
            Some(z) => shift(a, Some(&z.reshape(&column(z.shape(), a.rank()))?))?,
            None => shift(a, None)?,
        };
        Ok(vec![contract::eval_matmul(&a, &shift(b, maybe(x, 3))?, DType::I32, |v| v, |v| v)?])
    }
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (a, b) = (need(x, 0, "A")?, need(x, 1, "B")?);
        let mut c = contract::matmul(a, b, &y[0])?;
        if let Some(z) = maybe(x, 2).filter(|z| shifts(z)) {
            let by: Vec<Dim> = column(&z.shape, a.rank());
            c.a = shift_load(&c.a, 2, z, &by, |at| at[..z.rank()].to_vec());
        }
        if let Some(z) = maybe(x, 3).filter(|z| shifts(z)) {
            c.b = shift_load(&c.b, 3, z, &z.shape, <[Expr]>::to_vec);
        }
        Ok(Lowering::Contract(c))
    }
    fn samples(&self) -> Vec<Sample> {
        let (i, u) = (DType::I8, DType::U8);
        let s = |x: Vec<Option<Tensor>>| Sample { x, ..Sample::new(Attrs::new(), vec![]) };
        let t = |d: DType, shape: &[usize]| Some(sample_ints(d, shape, 9));
        vec![
            s(vec![t(u, &[2, 3]), t(i, &[3, 4])]),
            s(vec![t(u, &[4, 3]), t(u, &[3, 2]), t(u, &[]), t(u, &[1])]),
            s(vec![t(u, &[4, 3]), t(i, &[3, 2]), t(u, &[4]), t(i, &[2])]),
            s(vec![t(i, &[2, 4, 3]), t(i, &[2, 3, 5]), t(i, &[2, 4, 1]), t(i, &[2, 1, 5])]),
            s(vec![t(i, &[2, 4, 3]), t(i, &[3, 5]), None, t(i, &[5])]),
            s(vec![t(i, &[3]), t(i, &[3, 5]), t(i, &[1]), None]),
        ]
    }
}
