//! `com.microsoft.QLinearWhere`: elements of one or the other quantized tensor, quantized again.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given};
use super::common::qlinear::{composite, operand, real, sample, stored};
use crate::{Arity, Attrs, Ctx, DType, Num, Result, Sample, Tensor, Value};

/// See the module.
pub static MICROSOFT_QLINEAR_WHERE: Composite = composite("QLinearWhere", &[], Arity::exactly(9), define, samples);

fn define(b: &mut Builder, _: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let (condition, dtype) = (given(x, 0, "condition")?, b.g.fact(given(x, 1, "X")?).dtype);
    let (p, q) = (real(b, x, 1)?, real(b, x, 4)?);
    let y = b.plain("Where", &[condition, p, q])?;
    stored(b, y, x, 7, dtype)
}

fn samples() -> Vec<Sample> {
    let condition = [Some(Tensor::new(DType::Bool, &[2, 5], (0..10).map(|i| Num::from(i % 3 == 1))))];
    let y = [Some(Tensor::f32(&[], &[0.15])), Some(Tensor::floats(DType::U8, &[], &[9.0]))];
    let (p, q) = (operand(DType::U8, &[2, 5], 0.1, Some(4.0)), operand(DType::U8, &[5], 0.2, Some(8.0)));
    vec![sample(Attrs::new(), &[&condition, &p, &q, &y])]
}
