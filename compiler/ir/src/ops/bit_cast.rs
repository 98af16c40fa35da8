//! `BitCast`: the same bits as another type of the same size. <https://onnx.ai/onnx/operators/onnx__BitCast.html>

use super::common::elementwise::sample_floats;
use crate::lower::Lowering;
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(BitCastAttrs {
    /// Type of the result.
    to: DType,
});

pub struct BitCast;

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
        ensure!(x.dtype.size() == to.size(), "{} and {to} differ in size, expected equal", x.dtype);
        Ok(vec![Fact::new(to, x.shape.clone())])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "input")?;
        Ok(vec![Tensor::from_bytes(BitCastAttrs::read(c.attrs)?.to, x.shape(), x.bytes().clone())?])
    }
    fn lowering(&self, _: &Ctx, _: &[Option<&Fact>], _: &[Fact]) -> Result<Lowering> {
        Ok(Lowering::Alias)
    }
    fn samples(&self) -> Vec<Sample> {
        let to = |d: DType, x: Tensor| Sample::new(Attrs::new().with("to", d), vec![x]);
        let x = sample_floats(&[2, 3], 1);
        vec![to(DType::I32, x.clone()), to(DType::U16, x.cast(DType::BF16)), to(DType::F64, x.cast(DType::I64))]
    }
}
