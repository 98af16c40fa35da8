//! `LogSoftmax`: `x - log(sum(exp(x)))` along an axis. <https://onnx.ai/onnx/operators/onnx__LogSoftmax.html>

use super::common::expansion::Expansion;
use super::common::softmax::{Lines, largest, shift};
use crate::{Result, Value};

/// The largest element is taken out, so that no exponential overflows.
pub fn log_softmax(v: &[f64]) -> Vec<f64> {
    let top = largest(v);
    let log = v.iter().map(|v| (v - top).exp()).sum::<f64>().ln();
    v.iter().map(|v| v - top - log).collect()
}

fn expand(e: &mut Expansion, x: Value, axis: i64) -> Result<Value> {
    let shifted = shift(e, x, axis)?;
    let exp = e.op("Exp", &[shifted])?;
    let sum = e.reduce("ReduceSum", exp, &[axis])?;
    let log = e.op("Log", &[sum])?;
    e.op("Sub", &[shifted, log])
}

pub static LOG_SOFTMAX: Lines = Lines { name: "LogSoftmax", meaning: log_softmax, expand };
