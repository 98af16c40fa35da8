//! `com.microsoft.RestorePadding`: tokens that `com.microsoft.RemovePadding` put one after another, in their sequences
//! again, with zeros between. <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given};
use super::common::elementwise::sample_floats;
use super::common::qlinear::composite;
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value, ensure};

/// See the module.
pub static MICROSOFT_RESTORE_PADDING: Composite = composite("RestorePadding", &[], Arity::exactly(2), define, samples);

/// The places of the tokens that are there: the first of `offsets`, as many as `tokens` has.
pub(super) fn places(b: &mut Builder, tokens: Value, offsets: Value) -> Result<Value> {
    let (order, offsets) = (b.reshape(offsets, &[-1])?, b.size(tokens, 0)?);
    let (order, zero) = (b.cast(order, DType::I64)?, b.ints(&[0]));
    b.plain("Slice", &[order, zero, offsets, zero])
}

fn define(b: &mut Builder, _: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let (tokens, offsets) = (given(x, 0, "input")?, given(x, 1, "token_offset")?);
    let (t, o) = (b.g.fact(tokens), b.g.fact(offsets));
    ensure!(t.rank() == 2, "input is {t}, expected rank 2");
    ensure!(o.rank() == 2 && o.dtype.is_int(), "token_offset is {o}, expected integers of rank 2");
    let dtype = t.dtype;
    let (shape, size) = (b.plain("Shape", &[offsets])?, b.size(tokens, 1)?);
    let join = || Attrs::new().with("axis", 0i64);
    let shape = b.op("Concat", join(), &[shape, size])?;
    let zeros = Attrs::new().with("value", Tensor::floats(dtype, &[1], &[0.0]));
    let zeros = b.op("ConstantOfShape", zeros, &[shape])?;
    let zeros = super::microsoft_remove_padding::join_sequences(b, zeros)?;
    let (at, last) = (places(b, tokens, offsets)?, b.ints(&[1]));
    let at = b.plain("Unsqueeze", &[at, last])?;
    let all = b.plain("ScatterND", &[zeros, at, tokens])?;
    Ok(vec![b.plain("Reshape", &[all, shape])?])
}

fn samples() -> Vec<Sample> {
    let order = Tensor::floats(DType::I32, &[2, 3], &[0.0, 3.0, 4.0, 1.0, 2.0, 5.0]);
    let s = |tokens: Tensor| Sample::new(Attrs::new(), vec![tokens, order.clone()]);
    vec![s(sample_floats(&[3, 4], 1)), s(sample_floats(&[6, 2], 1).cast(DType::F16))]
}
