//! `com.microsoft.QLinearReduceMean`: mean along axes of a quantized tensor, quantized again.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::Composite;
use super::common::qlinear::{composite, operand, sample, unary};
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value, attrs};

attrs!(QLinearReduceMeanAttrs {
    /// The axes.
    axes: Vec<i64>,
    /// Whether the axes stay, with size 1.
    keepdims: bool = true,
});

/// See the module.
pub static MICROSOFT_QLINEAR_REDUCE_MEAN: Composite =
    composite("QLinearReduceMean", QLinearReduceMeanAttrs::SCHEMA, Arity::range(4, 5), define, samples);

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = QLinearReduceMeanAttrs::read(c.attrs)?;
    let attrs = Attrs::new().with("keepdims", i64::from(a.keepdims));
    unary(b, x, |b, v| {
        let axes = b.ints(&a.axes);
        b.op("ReduceMean", attrs, &[v, axes])
    })
}

fn samples() -> Vec<Sample> {
    let y = [Some(Tensor::f32(&[], &[0.05])), Some(Tensor::floats(DType::U8, &[], &[9.0]))];
    let x = operand(DType::U8, &[2, 3, 5], 0.1, Some(40.0));
    let axes = |v: &[i64], keep: i64| Attrs::new().with("axes", v.to_vec()).with("keepdims", keep);
    vec![sample(axes(&[1], 1), &[&x, &y]), sample(axes(&[0, 2], 0), &[&x, &y])]
}
