//! `CastLike`: elements converted to the type of a second operand.
//! <https://onnx.ai/onnx/operators/onnx__CastLike.html>

use super::cast::sample_extremes;
use super::common::convert::Conversion;
use super::common::elementwise::sample_floats;
use crate::lower::Lowering;
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor, attrs};

attrs!(CastLikeAttrs {
    /// Whether an 8-bit float beyond the largest number is that number, instead of an infinity or NaN.
    saturate: bool = true,
    /// How float8e8m0 rounds: `up`, `down` or `nearest`; there is no effect on other types.
    round_mode: String = "up".into(),
});

pub struct CastLike;

fn conversion(c: &Ctx, to: DType) -> Result<Conversion> {
    let a = CastLikeAttrs::read(c.attrs)?;
    Conversion::new(to, a.saturate, &a.round_mode)
}

impl Op for CastLike {
    fn name(&self) -> &'static str {
        "CastLike"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        CastLikeAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn strings(&self) -> Strings {
        Strings::Read
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        Ok(vec![conversion(c, need(x, 1, "target_type")?.dtype)?.fact(need(x, 0, "input")?)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        Ok(vec![conversion(c, need(x, 1, "target_type")?.dtype())?.cast(need(x, 0, "input")?)?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        Ok(conversion(c, y[0].dtype)?.lowering(need(x, 0, "input")?, &y[0]))
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let like = |d| Tensor::floats(d, &[1], &[1.0]);
        let attrs = Attrs::new().with("saturate", 0i64).with("round_mode", "down");
        let mut out = vec![Sample::new(attrs.clone(), vec![sample_floats(&[3], 1), like(DType::F32)])];
        for to in [DType::F8E4M3FN, DType::F8E5M2FNUZ, DType::F8E8M0, DType::F4E2M1, DType::I4] {
            out.push(Sample::new(attrs.clone(), vec![sample_extremes(), like(to)]));
        }
        for to in [DType::F64, DType::F16, DType::U8, DType::I64, DType::Bool] {
            out.push(Sample::new(Attrs::new(), vec![sample_floats(&[2, 3], 1), like(to)]));
            out.push(Sample::new(Attrs::new(), vec![Tensor::i64(&[2], &[-1, 5]), like(to)]));
        }
        out
    }
}
