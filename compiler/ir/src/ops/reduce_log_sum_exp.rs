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

/// `v` under the shape of `x`, each of whose sizes it has or has 1. Unlike broadcasting this also holds for axes of size 0
/// of which it is not known whether they are reduced.
fn spread(e: &mut Expansion, mut v: Value, x: Value) -> Result<Value> {
    let (zero, one) = (e.scalar(DType::I64, 0.0), e.scalar(DType::I64, 1.0));
    for axis in 0..e.fact(x).rank() as i64 {
        let none = e.ints(&[]);
        let mut size = |of: Value| {
            let n = e.with("Shape", Attrs::new().with("start", axis).with("end", axis + 1), &[of])?;
            e.op("Reshape", &[n, none])
        };
        let (n, m) = (size(x)?, size(v)?);
        let (at, last) = (e.op("Range", &[zero, n, one])?, e.op("Sub", &[m, one])?);
        let at = e.op("Min", &[at, last])?;
        v = e.with("Gather", Attrs::new().with("axis", axis), &[v, at])?;
    }
    Ok(v)
}

fn expand(e: &mut Expansion, x: Value, axes: Value, attrs: &Attrs) -> Result<Value> {
    let dtype = e.fact(x).dtype;
    let sums = if dtype.is_float() { wide(dtype) } else { DType::F64 };
    let x = e.cast(x, sums)?;
    let largest = e.with("ReduceMax", attrs.clone().with("keepdims", 1i64), &[x, axes])?;
    let limit = if sums == DType::F64 { f64::MAX } else { f32::MAX as f64 };
    let (lo, hi) = (e.scalar(sums, -limit), e.scalar(sums, limit));
    let largest = e.op("Clip", &[largest, lo, hi])?;
    let known = e.fact(axes).as_ints().is_some();
    let beside = if known { largest } else { spread(e, largest, x)? };
    let shifted = e.op("Sub", &[x, beside])?;
    let exp = e.op("Exp", &[shifted])?;
    let sum = e.with("ReduceSum", attrs.clone(), &[exp, axes])?;
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
