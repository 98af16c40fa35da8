//! `Cast`: elements converted to another type. <https://onnx.ai/onnx/operators/onnx__Cast.html>
//!
//! Floats truncate and saturate when they become integers, integers wrap, bool is `!= 0`.

use super::common::convert::convert;
use super::common::elementwise::sample_floats;
use crate::lower::{self, Lowering};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Fact, Known, Op, Result, Sample, Tensor, attrs, bail};

attrs!(CastAttrs {
    /// Element type of the result, as ONNX numbers them.
    to: i64,
    /// How float8 overflows; there is no effect on other types.
    saturate: i64 = 1,
    /// How float8e8m0 rounds; there is no effect on other types.
    round_mode: String = "up".into(),
});

pub struct Cast;

fn target(c: &Ctx) -> Result<DType> {
    let to = CastAttrs::read(c.attrs)?.to;
    match i32::try_from(to).ok().and_then(DType::from_onnx) {
        Some(d) => Ok(d),
        None => bail!("attribute to is {to}, which is no element type that is supported"),
    }
}

/// The fact of `x` converted: sizes stay known through types that hold them.
pub fn infer(x: &Fact, to: DType) -> Fact {
    let y = Fact::new(to, x.shape.clone());
    match &x.known {
        Some(Known::Tensor(t)) if t.len() <= 1024 => Fact { known: t.cast(to).fact().known, ..y },
        Some(Known::Dims(v)) if matches!(to, DType::I32 | DType::I64 | DType::F32 | DType::F64) => {
            y.with_dims(v.clone())
        }
        _ => y,
    }
}

/// How generated code converts `x` to the type of `y`.
pub fn lowering(x: &Fact, y: &Fact) -> Lowering {
    match x.dtype == y.dtype {
        true => Lowering::Alias,
        false => lower::map(y, &[x], |v| convert(&v[0], y.dtype)),
    }
}

impl Op for Cast {
    fn name(&self) -> &'static str {
        "Cast"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        CastAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        Ok(vec![infer(need(x, 0, "input")?, target(c)?)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        Ok(vec![need(x, 0, "input")?.cast(target(c)?)])
    }
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        Ok(lowering(need(x, 0, "input")?, &y[0]))
    }
    fn samples(&self) -> Vec<Sample> {
        let types: Vec<DType> = crate::dtype::DTYPES.iter().map(|d| d.0).collect();
        let large = Tensor::f32(&[6], &[-300.5, 70000.0, 2.9, -0.0, f32::NAN, f32::INFINITY]);
        let wide = Tensor::i64(&[4], &[-1, 300, 1 << 40, 0]);
        let mut out = vec![];
        for to in types {
            let attrs = Attrs::new().with("to", to);
            for x in [sample_floats(&[2, 3], 1), large.clone(), wide.clone(), wide.cast(DType::Bool)] {
                out.push(Sample::new(attrs.clone(), vec![x]));
            }
            out.push(Sample::new(attrs, vec![sample_floats(&[3], 1).cast(to)]));
        }
        let attrs = Attrs::new().with("to", DType::F32).with("saturate", 0i64).with("round_mode", "down");
        out.push(Sample::new(attrs, vec![wide.cast(DType::U32)]));
        out
    }
}
