//! `Cast`: elements converted to another type. <https://onnx.ai/onnx/operators/onnx__Cast.html>
//!
//! Floats truncate and saturate when they become integers, integers wrap, bool is `!= 0`; a string must be a number.

use super::common::convert::Conversion;
use super::common::elementwise::sample_floats;
use super::common::quantize::sample_narrow;
use crate::dtype::DTYPES;
use crate::lower::Lowering;
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor, attrs, bail};

attrs!(CastAttrs {
    /// Element type of the result, as ONNX numbers them.
    to: i64,
    /// Whether an 8-bit float beyond the largest number is that number, instead of an infinity or NaN.
    saturate: bool = true,
    /// How float8e8m0 rounds: `up`, `down` or `nearest`; there is no effect on other types.
    round_mode: String = "up".into(),
});

pub struct Cast;

fn conversion(c: &Ctx) -> Result<Conversion> {
    let a = CastAttrs::read(c.attrs)?;
    match i32::try_from(a.to).ok().and_then(DType::from_onnx) {
        Some(to) => Conversion::new(to, a.saturate, &a.round_mode),
        None => bail!("attribute to is {}, expected the number of an element type", a.to),
    }
}

/// Operands that tell conversions to an 8-bit float apart: middles, ends, what is beyond, and no numbers.
pub fn sample_extremes() -> Tensor {
    let v = [0.0, 0.124, 1.1, 3.0, 448.0, 464.0, 465.0, 61440.0, 1e6, 3e38, 1e-39, 1e-44, f32::INFINITY, f32::NAN];
    Tensor::f32(&[2, v.len()], &v.iter().copied().chain(v.map(|v| -v)).collect::<Vec<_>>())
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
    fn strings(&self) -> Strings {
        Strings::Read
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        Ok(vec![conversion(c)?.fact(need(x, 0, "input")?)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        Ok(vec![conversion(c)?.cast(need(x, 0, "input")?)?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        Ok(conversion(c)?.lowering(need(x, 0, "input")?, &y[0]))
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let large = Tensor::f32(&[6], &[-300.5, 70000.0, 2.9, -0.0, f32::NAN, f32::INFINITY]);
        let wide = Tensor::i64(&[4], &[-1, 300, 1 << 40, 0]);
        let mut out = vec![];
        for (to, ..) in DTYPES.iter().filter(|d| d.0 != DType::Str) {
            let attrs = Attrs::new().with("to", *to);
            for x in [sample_floats(&[2, 3], 1), large.clone(), wide.clone(), wide.cast(DType::Bool)] {
                out.push(Sample::new(attrs.clone(), vec![x]));
            }
            out.push(Sample::new(attrs, vec![sample_floats(&[3], 1).cast(*to)]));
        }
        for (narrow, ..) in DTYPES.iter().filter(|d| d.0.is_narrow()) {
            for to in [DType::F32, DType::F16, DType::I8, DType::Bool, DType::F8E5M2, DType::U2] {
                out.push(Sample::new(Attrs::new().with("to", to), vec![sample_narrow(*narrow)]));
            }
            for (saturate, round_mode) in [(true, "down"), (false, "nearest"), (false, "up")] {
                let attrs = Attrs::new().with("to", *narrow).with("saturate", saturate).with("round_mode", round_mode);
                out.push(Sample::new(attrs, vec![sample_extremes()]));
            }
        }
        let text = Tensor::of_strings(&[3], ["1.5", "-2e3", "7"]);
        out.push(Sample::new(Attrs::new().with("to", DType::F32), vec![text]));
        out.push(Sample::new(Attrs::new().with("to", DType::Str), vec![sample_floats(&[2, 2], 1)]));
        out
    }
}
