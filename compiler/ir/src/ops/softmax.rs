//! `Softmax`: `exp(x) / sum(exp(x))` along an axis. <https://onnx.ai/onnx/operators/onnx__Softmax.html>

use super::common::expansion::Expansion;
use super::common::softmax::{Lines, largest, shift};
use crate::{Result, Value};

/// The largest element is taken out, so that no exponential overflows.
fn softmax(v: &[f64]) -> Vec<f64> {
    let top = largest(v);
    let sum: f64 = v.iter().map(|v| (v - top).exp()).sum();
    v.iter().map(|v| (v - top).exp() / sum).collect()
}

fn expand(e: &mut Expansion, x: Value, axis: i64) -> Result<Value> {
    let shifted = shift(e, x, axis)?;
    let exp = e.op("Exp", &[shifted])?;
    let sum = e.reduce("ReduceSum", exp, &[axis])?;
    e.op("Div", &[exp, sum])
}

pub static SOFTMAX: Lines = Lines { name: "Softmax", meaning: softmax, expand };
