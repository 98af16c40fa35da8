//! `com.microsoft.DynamicQuantizeLSTM`: `LSTM` with quantized weights, one scale and zero point for each direction (or for
//! each of its columns). The other operands and the state stay floats; engines that quantize them as they come
//! differ from this by that rounding.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given, optional};
use super::common::elementwise::sample_floats;
use super::common::quantize::sample_ints;
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value, attrs};

attrs!(DynamicQuantizeLstmAttrs {
    /// Parameters of the functions that have one.
    activation_alpha: Vec<f32> = vec![],
    /// Second parameters of the functions that have one.
    activation_beta: Vec<f32> = vec![],
    /// Functions f, g and h of each direction; empty is Sigmoid, Tanh, Tanh.
    activations: Vec<String> = vec![],
    /// Bound of what enters the gates' functions.
    clip: Option<f32>,
    /// `forward`, `reverse` or `bidirectional`.
    direction: String = "forward".into(),
    /// Number of units.
    hidden_size: Option<i64>,
    /// Whether the forget gate is 1 less the input gate.
    input_forget: bool = false,
});

/// See the module.
pub static MICROSOFT_DYNAMIC_QUANTIZE_LSTM: Composite = Composite {
    name: "DynamicQuantizeLSTM",
    domain: "com.microsoft",
    schema: DynamicQuantizeLstmAttrs::SCHEMA,
    operands: Arity::exactly(12),
    results: Arity::range(1, 3),
    define,
    samples,
};

/// Weights of `LSTM`, (directions, 4 * hidden, size), from quantized (directions, size, 4 * hidden).
fn real(b: &mut Builder, q: Value, scale: Value, zero: Value) -> Result<Value> {
    let wide = |b: &mut Builder, v: Value| {
        let v = b.cast(v, DType::F32)?;
        match b.g.fact(v).rank() {
            2 => b.reshape(v, &[0, 1, -1]),
            _ => b.reshape(v, &[-1, 1, 1]),
        }
    };
    let (scale, zero) = (wide(b, scale)?, wide(b, zero)?);
    let q = b.cast(q, DType::F32)?;
    let v = b.plain("Sub", &[q, zero])?;
    let v = b.plain("Mul", &[v, scale])?;
    b.transpose(v, &[0, 2, 1])
}

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    DynamicQuantizeLstmAttrs::read(c.attrs)?;
    let w = real(b, given(x, 1, "W")?, given(x, 8, "W_scale")?, given(x, 9, "W_zero_point")?)?;
    let r = real(b, given(x, 2, "R")?, given(x, 10, "R_scale")?, given(x, 11, "R_zero_point")?)?;
    let mut operands = vec![Some(given(x, 0, "X")?), Some(w), Some(r)];
    operands.extend((3..8).map(|i| optional(x, i)));
    b.results("LSTM", c.attrs.clone(), &operands, c.outputs)
}

fn samples() -> Vec<Sample> {
    let f = |shape: &[usize], seed: u32| Some(sample_floats(shape, seed));
    let ints = |dtype: DType, shape: &[usize], seed: i64| Some(sample_ints(dtype, shape, seed));
    let scales = |d: usize, v: f32| Some(Tensor::f32(&[d], &vec![v; d]));
    let weights = |dtype: DType, d: usize| vec![ints(dtype, &[d, 2, 12], 1), ints(dtype, &[d, 3, 12], 2)];
    let none = vec![None, None, None];
    let names = |v: &[&str]| v.iter().map(|s| s.to_string()).collect::<Vec<_>>();
    let hidden = || Attrs::new().with("hidden_size", 3i64).with("input_forget", 0i64).with("clip", 3.0f32);
    let two = hidden().with("direction", "bidirectional");
    let given = hidden().with("activations", names(&["HardSigmoid", "Tanh", "Tanh"]));
    let given = given.with("activation_alpha", vec![0.3f32]).with("activation_beta", vec![0.4f32]);
    let plain = [scales(1, 0.01), ints(DType::U8, &[1], 3), scales(1, 0.02), ints(DType::U8, &[1], 4)];
    let columns = [f(&[2, 12], 7), ints(DType::I8, &[2, 12], 3), f(&[2, 12], 8), ints(DType::I8, &[2, 12], 4)];
    let state = vec![f(&[2, 24], 5), None, f(&[2, 2, 3], 6), None, None];
    let start = || vec![f(&[4, 2, 2], 9)];
    let first = [start(), weights(DType::U8, 1), none, vec![None, None], plain.to_vec()].concat();
    let second = [start(), weights(DType::I8, 2), state, columns.to_vec()].concat();
    vec![Sample { attrs: given, x: first, outputs: 3 }, Sample { attrs: two, x: second, outputs: 3 }]
}
