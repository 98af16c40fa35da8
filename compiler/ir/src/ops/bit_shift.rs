//! `BitShift`: bits moved left, or right (arithmetically for signed types).
//! <https://onnx.ai/onnx/operators/onnx__BitShift.html>
//!
//! A negative number of bits, or one of at least the width, shifts everything out.

use super::common::elementwise::{self, all};
use super::common::unary::check_type;
use crate::infer::same_dtype;
use crate::lower::{self, Bin, Expr, Lowering};
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, attrs, bail};

attrs!(BitShiftAttrs {
    /// `LEFT` or `RIGHT`.
    direction: String,
});

pub struct BitShift;

/// Whether the shift is to the left.
fn left(c: &Ctx) -> Result<bool> {
    match BitShiftAttrs::read(c.attrs)?.direction.as_str() {
        "LEFT" => Ok(true),
        "RIGHT" => Ok(false),
        other => bail!("direction is {other:?}, expected LEFT or RIGHT"),
    }
}

fn bits(d: DType) -> i64 {
    8 * d.size() as i64
}

fn shift(a: i128, b: i128, left: bool, bits: i64) -> i128 {
    match (0..bits as i128).contains(&b) {
        true if left => a << b,
        true => a >> b,
        false if left || a >= 0 => 0,
        false => -1,
    }
}

impl Op for BitShift {
    fn name(&self) -> &'static str {
        "BitShift"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        BitShiftAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        left(c)?;
        let x = all(x)?;
        same_dtype(&x)?;
        check_type(DType::is_int, x[0].dtype)?;
        Ok(vec![elementwise::infer(&x, x[0].dtype)?])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (x, left) = (all(x)?, left(c)?);
        let d = x[0].dtype();
        Ok(vec![elementwise::eval(&x, d, |v| Num::I(shift(v[0].i(), v[1].i(), left, bits(d))))?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (op, d) = (if left(c)? { Bin::Shl } else { Bin::Shr }, y[0].dtype);
        let f = |a: &Expr, b: &Expr| {
            let zero = a.like(0.0);
            let inside = b.ge(&zero).and(&b.lt(&b.like(bits(d) as f64)));
            let out = match op {
                Bin::Shr if d.is_signed() => a.lt(&zero).select(&zero.sub(&a.like(1.0)), &zero),
                _ => zero,
            };
            inside.select(&a.bin(op, b), &out)
        };
        Ok(lower::map(&y[0], &all(x)?, |v| f(&v[0], &v[1])))
    }
    fn samples(&self) -> Vec<Sample> {
        let t = |d: DType, v: &[f64]| Tensor::floats(d, &[v.len()], v);
        let by = [0.0, 1.0, 7.0, 8.0, 31.0, 64.0];
        let signed = |d| vec![t(d, &[-5.0, 3.0, -128.0, 100.0, -1.0, -7.0]), t(d, &by)];
        let mut cases = vec![signed(DType::I8), signed(DType::I32), signed(DType::I64)];
        cases.extend(
            [DType::U8, DType::U16, DType::U32, DType::U64]
                .map(|d| vec![t(d, &[200.0, 1.0, 3.0, 255.0, 2.0, 9.0]), t(d, &by)]),
        );
        cases.push(vec![t(DType::I64, &[-5.0, 9.0]), t(DType::I64, &[-1.0])]);
        let each =
            |x: Vec<Tensor>| ["LEFT", "RIGHT"].map(|d| Sample::new(Attrs::new().with("direction", d), x.clone()));
        cases.into_iter().flat_map(each).collect()
    }
}
