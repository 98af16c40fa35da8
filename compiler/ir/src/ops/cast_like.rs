//! `CastLike`: elements converted to the type of a second operand.
//! <https://onnx.ai/onnx/operators/onnx__CastLike.html>

use super::cast;
use super::common::elementwise::sample_floats;
use crate::lower::Lowering;
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor, attrs};

attrs!(CastLikeAttrs {
    /// How float8 overflows; there is no effect on other types.
    saturate: i64 = 1,
    /// How float8e8m0 rounds; there is no effect on other types.
    round_mode: String = "up".into(),
});

pub struct CastLike;

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
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        CastLikeAttrs::read(c.attrs)?;
        Ok(vec![cast::infer(need(x, 0, "input")?, need(x, 1, "target_type")?.dtype)])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        Ok(vec![need(x, 0, "input")?.cast(need(x, 1, "target_type")?.dtype())])
    }
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        Ok(cast::lowering(need(x, 0, "input")?, &y[0]))
    }
    fn samples(&self) -> Vec<Sample> {
        let like = |d| Tensor::floats(d, &[1], &[1.0]);
        let attrs = Attrs::new().with("saturate", 0i64).with("round_mode", "down");
        let mut out = vec![Sample::new(attrs, vec![sample_floats(&[3], 1), like(DType::F32)])];
        for to in [DType::F64, DType::F16, DType::U8, DType::I64, DType::Bool] {
            out.push(Sample::new(Attrs::new(), vec![sample_floats(&[2, 3], 1), like(to)]));
            out.push(Sample::new(Attrs::new(), vec![Tensor::i64(&[2], &[-1, 5]), like(to)]));
        }
        out
    }
}
