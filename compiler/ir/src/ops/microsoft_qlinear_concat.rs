//! `com.microsoft.QLinearConcat`: quantized tensors one after another, quantized by one scale.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given};
use super::common::qlinear::{composite, operand, real, sample, stored};
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value, attrs, ensure};

attrs!(QLinearConcatAttrs {
    /// The axis.
    axis: i64,
});

/// See the module.
pub static MICROSOFT_QLINEAR_CONCAT: Composite =
    composite("QLinearConcat", QLinearConcatAttrs::SCHEMA, Arity::at_least(5), define, samples);

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let axis = QLinearConcatAttrs::read(c.attrs)?.axis;
    ensure!(x.len() % 3 == 2, "{} operands, expected a scale, a zero point and threes", x.len());
    let parts: Vec<Value> = (2..x.len()).step_by(3).map(|i| real(b, x, i)).collect::<Result<_>>()?;
    let dtype = b.g.fact(given(x, 2, "x")?).dtype;
    let y = b.op("Concat", Attrs::new().with("axis", axis), &parts)?;
    stored(b, y, x, 0, dtype)
}

fn samples() -> Vec<Sample> {
    let y = [Some(Tensor::f32(&[], &[0.07])), Some(Tensor::floats(DType::U8, &[], &[9.0]))];
    let (a, b) = (operand(DType::U8, &[2, 3], 0.1, Some(4.0)), operand(DType::U8, &[2, 5], 0.02, Some(90.0)));
    vec![sample(Attrs::new().with("axis", 1i64), &[&y, &a, &b])]
}
