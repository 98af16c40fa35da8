//! `ReduceLogSumExp`: logarithm of the sum of exponentials along axes.
//! <https://onnx.ai/onnx/operators/onnx__ReduceLogSumExp.html>

use super::common::expansion::{Expansion, wide};
use super::common::reduction::{Form, Reduction, extreme};
use super::common::unary::is_number;
use crate::{Attrs, DType, Num, Result, Value};

/// The largest element is taken out, so that no exponential overflows.
fn log_sum_exp(v: &[Num]) -> f64 {
    let largest = extreme(v, 1).f().clamp(f64::MIN, f64::MAX);
    v.iter().map(|v| (v.f() - largest).exp()).sum::<f64>().ln() + largest
}

fn expand(e: &mut Expansion, x: Value, axes: &[i64], keepdims: bool) -> Result<Value> {
    let dtype = e.fact(x).dtype;
    let sums = if dtype.is_float() { wide(dtype) } else { DType::F64 };
    let x = e.cast(x, sums)?;
    let largest = e.reduce("ReduceMax", x, axes)?;
    let limit = if sums == DType::F64 { f64::MAX } else { f32::MAX as f64 };
    let (lo, hi) = (e.scalar(sums, -limit), e.scalar(sums, limit));
    let largest = e.op("Clip", &[largest, lo, hi])?;
    let shifted = e.op("Sub", &[x, largest])?;
    let exp = e.op("Exp", &[shifted])?;
    let list = e.ints(axes);
    let attrs = Attrs::new().with("noop_with_empty_axes", 1i64).with("keepdims", keepdims);
    let sum = e.with("ReduceSum", attrs, &[exp, list])?;
    let log = e.op("Log", &[sum])?;
    let shape = e.op("Shape", &[log])?;
    let largest = e.reshape(largest, shape)?;
    let y = e.op("Add", &[log, largest])?;
    e.cast(y, dtype)
}

pub static REDUCE_LOG_SUM_EXP: Reduction = Reduction {
    name: "ReduceLogSumExp",
    types: is_number,
    meaning: |v| Num::F(log_sum_exp(v)),
    lower: Form::Graph(expand),
    dims: None,
};
