//! `com.microsoft.MatMulIntegerToFloat`: a product of quantized matrices in floats.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given, optional};
use super::common::elementwise::sample_floats;
use super::common::integer_product::scaled;
use super::common::qlinear::composite;
use super::common::quantize::sample_ints;
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value};

/// See the module.
pub static MICROSOFT_MATMUL_INTEGER_TO_FLOAT: Composite =
    composite("MatMulIntegerToFloat", &[], Arity::range(4, 7), define, samples);

fn define(b: &mut Builder, _: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let factors = [given(x, 0, "A")?, given(x, 1, "B")?];
    let scales = [given(x, 2, "a_scale")?, given(x, 3, "b_scale")?];
    Ok(vec![scaled(b, factors, [optional(x, 4), optional(x, 5)], scales, optional(x, 6))?])
}

fn samples() -> Vec<Sample> {
    let s = |x: Vec<Option<Tensor>>| Sample { attrs: Attrs::new(), x, outputs: 1 };
    let (a, w) = (Some(sample_ints(DType::U8, &[2, 3, 4], 1)), Some(sample_ints(DType::I8, &[4, 5], 3)));
    let (one, column) = (Some(Tensor::f32(&[], &[0.05])), Some(Tensor::f32(&[5], &[0.1, 0.2, 0.3, 0.4, 0.5])));
    let (za, zb) = (Some(sample_ints(DType::U8, &[], 7)), Some(sample_ints(DType::I8, &[5], 2)));
    vec![
        s(vec![a.clone(), w.clone(), one.clone(), one.clone()]),
        s(vec![a, w, one, column, za, zb, Some(sample_floats(&[5], 4))]),
    ]
}
