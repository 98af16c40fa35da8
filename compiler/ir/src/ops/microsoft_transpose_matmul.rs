//! `com.microsoft.TransposeMatMul`: the older name of `com.microsoft.FusedMatMul`.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given};
use super::common::elementwise::sample_floats;
use super::common::qlinear::composite;
use crate::{Arity, Attrs, Ctx, Result, Sample, Value, attrs};

attrs!(TransposeMatMulAttrs {
    /// Factor of the product.
    alpha: f32 = 1.0,
    /// Whether the last two axes of A are swapped.
    transA: bool = false,
    /// Whether the last two axes of B are swapped.
    transB: bool = false,
});

/// See the module.
pub static MICROSOFT_TRANSPOSE_MATMUL: Composite =
    composite("TransposeMatMul", TransposeMatMulAttrs::SCHEMA, Arity::exactly(2), define, samples);

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    TransposeMatMulAttrs::read(c.attrs)?;
    let operands = [given(x, 0, "A")?, given(x, 1, "B")?];
    Ok(vec![b.op("com.microsoft.FusedMatMul", c.attrs.clone(), &operands)?])
}

fn samples() -> Vec<Sample> {
    let turned = Attrs::new().with("transA", 1i64).with("transB", 1i64).with("alpha", 0.5f32);
    vec![
        Sample::new(turned, vec![sample_floats(&[2, 3, 2], 1), sample_floats(&[2, 4, 3], 2)]),
        Sample::new(Attrs::new(), vec![sample_floats(&[2, 3], 1), sample_floats(&[3, 4], 2)]),
    ]
}
