//! Products of quantized matrices with a float result.

use super::builder::Builder;
use crate::{DType, Result, Value};

/// `(A - a_zero) (B - b_zero) * a_scale * b_scale + bias`; the zero points may be absent.
pub fn scaled(
    b: &mut Builder,
    [left, right]: [Value; 2],
    zeros: [Option<Value>; 2],
    [left_scale, right_scale]: [Value; 2],
    bias: Option<Value>,
) -> Result<Value> {
    let operands = [Some(left), Some(right), zeros[0], zeros[1]];
    let sums = b.optional("MatMulInteger", crate::Attrs::new(), &operands)?;
    let dtype: DType = b.g.fact(left_scale).dtype;
    let sums = b.cast(sums, dtype)?;
    let scale = b.plain("Mul", &[left_scale, right_scale])?;
    let y = b.plain("Mul", &[sums, scale])?;
    bias.map_or(Ok(y), |bias| b.plain("Add", &[y, bias]))
}
