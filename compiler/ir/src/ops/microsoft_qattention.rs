//! `com.microsoft.QAttention`: Q, K and V by one product of quantized matrices, then attention, head by head.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given, optional};
use super::common::elementwise::sample_floats;
use super::common::integer_product::scaled;
use super::common::quantize::{rounded, sample_ints};
use super::common::stated::Stated;
use super::microsoft_attention::{MicrosoftAttentionAttrs, attended, eval_projected, matrix, split};
use crate::op::{maybe, need};
use crate::{Arity, Attrs, Ctx, DType, Num, Result, Sample, Tensor, Value, attrs, ensure};

attrs!(QAttentionAttrs {
    /// Whether Q and K are turned by their positions; not supported.
    do_rotary: bool = false,
    /// What is added to the products with keys that are padding.
    mask_filter_value: f32 = -10000.0,
    /// Number of heads.
    num_heads: i64,
    /// Whether past and present are one buffer; not supported.
    past_present_share_buffer: bool = false,
    /// Factor of the products; absent or 0 is `1 / sqrt(head size)`.
    scale: f32 = 0.0,
    /// Whether a query sees no key after its own position.
    unidirectional: bool = false,
});

/// See the module.
pub static MICROSOFT_QATTENTION: Stated = Stated {
    graph: Composite {
        name: "QAttention",
        domain: "com.microsoft",
        schema: QAttentionAttrs::SCHEMA,
        operands: Arity::range(5, 9),
        results: Arity::range(1, 2),
        define,
        samples,
    },
    meaning,
    constant_sizes: &[],
};

/// Positions of the operands.
const NAMES: [&str; 5] = ["input", "weight", "bias", "input_scale", "weight_scale"];
const MASK: usize = 5;
const ZEROS: usize = 6;
const PAST: usize = 8;

fn read(c: &Ctx) -> Result<MicrosoftAttentionAttrs> {
    let a = QAttentionAttrs::read(c.attrs)?;
    ensure!(
        !a.do_rotary && !a.past_present_share_buffer,
        "attributes do_rotary and past_present_share_buffer are {} and {}, expected 0: they are not supported",
        a.do_rotary as i64,
        a.past_present_share_buffer as i64
    );
    Ok(MicrosoftAttentionAttrs {
        do_rotary: false,
        mask_filter_value: a.mask_filter_value,
        num_heads: a.num_heads,
        past_present_share_buffer: false,
        qkv_hidden_sizes: vec![],
        rotary_embedding_dim: 0,
        scale: a.scale,
        unidirectional: a.unidirectional,
    })
}

fn meaning(c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let a = read(c)?;
    let (input, weight) = (need(x, 0, NAMES[0])?, need(x, 1, NAMES[1])?);
    let (bias, scale, columns) = (need(x, 2, NAMES[2])?, need(x, 3, NAMES[3])?, need(x, 4, NAMES[4])?);
    let (inner, all) = (weight.shape()[0], weight.shape()[1]);
    let of = |t: &Tensor, j: usize| t.at(if t.len() == 1 { 0 } else { j });
    let zero = |slot: usize, j: usize| maybe(x, slot).map_or(0, |t| of(t, j).i());
    let term = |row: usize, j: usize, p: usize| {
        (input.at(row * inner + p).i() - zero(ZEROS, 0)) * (weight.at(p * all + j).i() - zero(ZEROS + 1, j))
    };
    let element = |i: usize| {
        let (row, j) = (i / all.max(1), i % all.max(1));
        let sum: i128 = (0..inner).map(|p| term(row, j, p)).sum();
        let factor = rounded(DType::F32, of(scale, 0).f() * of(columns, j).f());
        Num::F(sum as f64 * factor + bias.at(j).f())
    };
    let shape = [input.shape()[0], input.shape()[1], all];
    let product = Tensor::new(bias.dtype(), &shape, (0..shape.iter().product()).map(element));
    eval_projected(&a, &product, [maybe(x, MASK), maybe(x, PAST), None])
}

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = read(c)?;
    let v: Vec<Value> = NAMES.iter().enumerate().map(|(i, name)| given(x, i, name)).collect::<Result<_>>()?;
    matrix(b, v[0], v[1], Some(v[2]))?;
    let scale = b.reshape(v[3], &[])?;
    let zero = optional(x, ZEROS).map(|z| b.reshape(z, &[])).transpose()?;
    let product = scaled(b, [v[0], v[1]], [zero, optional(x, ZEROS + 1)], [scale, v[4]], Some(v[2]))?;
    let qkv = split(b, &a, product)?;
    attended(b, c, &a, &qkv, [optional(x, MASK), optional(x, PAST), None])
}

fn samples() -> Vec<Sample> {
    let f = |shape: &[usize], seed: u32| Some(sample_floats(shape, seed));
    let one = |v: f32| Some(Tensor::f32(&[], &[v]));
    let ints = |shape: &[usize], v: &[f64]| Some(Tensor::floats(DType::I32, shape, v));
    let q = |dtype: DType, shape: &[usize], seed: i64| Some(sample_ints(dtype, shape, seed));
    let zero = |dtype: DType, v: f64| Some(Tensor::floats(dtype, &[], &[v]));
    let s = |attrs: Attrs, x: Vec<Option<Tensor>>, outputs: usize| Sample { attrs, x, outputs };
    let heads = || Attrs::new().with("num_heads", 2i64).with("do_rotary", 0i64);
    let first = vec![q(DType::U8, &[2, 3, 5], 1), q(DType::I8, &[5, 12], 2), f(&[12], 3), one(0.02), one(0.01)];
    let second = vec![q(DType::U8, &[2, 3, 5], 4), q(DType::U8, &[5, 12], 5), f(&[12], 6), one(0.01)];
    let columns: Vec<f32> = (1..13).map(|i| i as f32 * 0.002).collect();
    let padding = ints(&[2, 3], &[1.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
    let more = vec![Some(Tensor::f32(&[12], &columns)), None, zero(DType::U8, 120.0), q(DType::U8, &[12], 7)];
    let past = f(&[2, 2, 2, 4, 2], 8);
    let scaled = heads().with("scale", 0.4f32).with("mask_filter_value", -500.0f32);
    let causal = heads().with("unidirectional", 1i64).with("past_present_share_buffer", 0i64);
    vec![s(scaled, [first, vec![padding]].concat(), 1), s(causal, [second, more, vec![past]].concat(), 2)]
}
