//! `com.microsoft.QLinearSoftmax`: softmax of a quantized tensor, quantized again.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::Composite;
use super::common::qlinear::{composite, operand, sample, unary};
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value, attrs};

attrs!(QLinearSoftmaxAttrs {
    /// The axis; before opset 13 all axes from it on.
    axis: i64 = -1,
    /// Version of the operator set whose Softmax is meant.
    opset: i64 = 13,
});

/// See the module.
pub static MICROSOFT_QLINEAR_SOFTMAX: Composite =
    composite("QLinearSoftmax", QLinearSoftmaxAttrs::SCHEMA, Arity::exactly(5), define, samples);

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = QLinearSoftmaxAttrs::read(c.attrs)?;
    let axis = |axis: i64| Attrs::new().with("axis", axis);
    unary(b, x, |b, v| {
        if a.opset >= 13 {
            return b.op("Softmax", axis(a.axis), &[v]);
        }
        let shape = b.plain("Shape", &[v])?;
        let flat = b.op("Flatten", axis(a.axis), &[v])?;
        let y = b.op("Softmax", axis(-1), &[flat])?;
        b.op("Reshape", Attrs::new().with("allowzero", 1i64), &[y, shape])
    })
}

fn samples() -> Vec<Sample> {
    let y = [Some(Tensor::f32(&[], &[0.004])), Some(Tensor::floats(DType::U8, &[], &[0.0]))];
    let s = |a: Attrs| sample(a, &[&operand(DType::U8, &[2, 3, 4], 0.02, Some(40.0)), &y]);
    vec![
        s(Attrs::new().with("axis", 1i64).with("opset", 13i64)),
        s(Attrs::new().with("axis", 1i64).with("opset", 12i64)),
    ]
}
