//! `BitCast`: the same bits as another type of as many. <https://onnx.ai/onnx/operators/onnx__BitCast.html>

use super::common::elementwise::sample_floats;
use super::common::quantize::sample_narrow;
use crate::lower::{self, Lowering};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Fact, Graph, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(BitCastAttrs {
    /// Type of the result.
    to: DType,
});

pub struct BitCast;

/// Whether memory holds the value of an element and not its bits: signed integers of fewer than 8.
fn is_extended(d: DType) -> bool {
    d.bits() < 8 && d.is_signed()
}

/// In two steps, the unsigned integer of as many bits between.
fn by_way_of(unsigned: DType, x: &Fact, to: DType) -> Result<Lowering> {
    let mut g = Graph::new("BitCast");
    let x = g.add_input("x", x.type_only());
    let attrs = |d: DType| Attrs::new().with("to", d);
    let bits = g.apply("bits", "BitCast", attrs(unsigned), &[x])?;
    let y = g.apply("y", "BitCast", attrs(to), &[bits])?;
    g.add_output("y", y);
    Ok(Lowering::Expand(g))
}

impl Op for BitCast {
    fn name(&self) -> &'static str {
        "BitCast"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        BitCastAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (x, to) = (need(x, 0, "input")?, BitCastAttrs::read(c.attrs)?.to);
        ensure!(
            x.dtype.bits() == to.bits(),
            "operand input is of {}, expected a type of as many bits as {to}",
            x.dtype
        );
        Ok(vec![Fact::new(to, x.shape.clone())])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (x, to) = (need(x, 0, "input")?, BitCastAttrs::read(c.attrs)?.to);
        let mask = u8::MAX >> (8 - to.bits().min(8));
        let bits: Vec<u8> = x.bytes().iter().map(|b| b & mask).collect();
        Ok(vec![match is_extended(to) {
            true => Tensor::new(to, x.shape(), bits.into_iter().map(|b| Num::I(b.into()))),
            false => Tensor::from_bytes(to, x.shape(), bits.into())?,
        }])
    }
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (x, y) = (need(x, 0, "input")?, &y[0]);
        match is_extended(x.dtype) == is_extended(y.dtype) {
            true => Ok(Lowering::Alias),
            // A store keeps the lowest bits.
            false if !x.dtype.is_float() && !y.dtype.is_float() => Ok(lower::map(y, &[x], |v| v[0].clone())),
            false => by_way_of(DType::U4, x, y.dtype),
        }
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let to = |d: DType, x: Tensor| Sample::new(Attrs::new().with("to", d), vec![x]);
        let x = sample_floats(&[2, 3], 1);
        let wide =
            vec![to(DType::I32, x.clone()), to(DType::U16, x.cast(DType::BF16)), to(DType::F64, x.cast(DType::I64))];
        let pairs = [
            (DType::F8E4M3FN, DType::I8),
            (DType::I4, DType::U4),
            (DType::U4, DType::I4),
            (DType::I4, DType::F4E2M1),
            (DType::F4E2M1, DType::I4),
            (DType::U4, DType::F4E2M1),
            (DType::U2, DType::I2),
        ];
        wide.into_iter().chain(pairs.map(|(from, d)| to(d, sample_narrow(from)))).collect()
    }
}
