//! `com.microsoft.DynamicQuantizeMatMul`: A quantized as it comes, times quantized B.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given, optional};
use super::common::elementwise::sample_floats;
use super::common::integer_product::scaled;
use super::common::qlinear::composite;
use super::common::quantize::sample_ints;
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value};

/// See the module.
pub static MICROSOFT_DYNAMIC_QUANTIZE_MATMUL: Composite =
    composite("DynamicQuantizeMatMul", &[], Arity::range(3, 5), define, samples);

fn define(b: &mut Builder, _: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let (left, right, scale) = (given(x, 0, "A")?, given(x, 1, "B")?, given(x, 2, "b_scale")?);
    let q = b.results("DynamicQuantizeLinear", Attrs::new(), &[Some(left)], 3)?;
    let zeros = [Some(q[2]), optional(x, 3)];
    Ok(vec![scaled(b, [q[0], right], zeros, [q[1], scale], optional(x, 4))?])
}

fn samples() -> Vec<Sample> {
    let s = |x: Vec<Option<Tensor>>| Sample { attrs: Attrs::new(), x, outputs: 1 };
    let (a, w) = (Some(sample_floats(&[2, 3, 4], 1)), Some(sample_ints(DType::I8, &[4, 5], 3)));
    let (one, column) = (Some(Tensor::f32(&[], &[0.05])), Some(Tensor::f32(&[5], &[0.1, 0.2, 0.3, 0.4, 0.5])));
    let zero = Some(sample_ints(DType::I8, &[5], 2));
    vec![s(vec![a.clone(), w.clone(), one]), s(vec![a, w, column, zero, Some(sample_floats(&[5], 4))])]
}
