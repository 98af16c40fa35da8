//! `com.microsoft.QMoE`: `com.microsoft.MoE` with weights that are integers times scales.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>
//!
//! Weights of experts are normalized when asked to, as those of MoE are; one of the runtime's kernels does it always.

use super::common::builder::Builder;
use super::common::composite::{Composite, given, optional};
use super::common::elementwise::sample_floats;
use super::common::nibbles::unpacked;
use super::common::packed_tokens::only;
use super::common::qlinear::composite;
use super::common::quantize::sample_ints;
use super::microsoft_gather_block_quantized::spread;
use crate::{Arity, Attrs, Ctx, DType, Num, Result, Sample, Tensor, Value, attrs, ensure};

attrs!(QMoeAttrs {
    /// How exact the products must be: changes nothing, they are exact.
    accuracy_level: i64 = 0,
    /// Factor inside the sigmoid of SwiGLU.
    activation_alpha: f32 = 1.0,
    /// What is added to the linear half of SwiGLU.
    activation_beta: f32 = 0.0,
    /// `relu`, `gelu`, `silu`, `swiglu` or `identity`.
    activation_type: String = "relu".into(),
    /// Elements of a row that share a scale; absent or 0 is all.
    block_size: i64 = 0,
    /// Bits of a weight.
    expert_weight_bits: i64 = 4,
    /// The same of fc1, where it differs.
    fc1_expert_weight_bits: Option<i64>,
    /// The same of fc2.
    fc2_expert_weight_bits: Option<i64>,
    /// The same of fc3.
    fc3_expert_weight_bits: Option<i64>,
    /// Number of experts of a token.
    k: i64 = 1,
    /// Whether the weights of the chosen experts sum to 1.
    normalize_routing_weights: bool = false,
    /// What the weights are: must be `int`.
    quant_type: String = "int".into(),
    /// See `MoE`.
    swiglu_fusion: i64 = 0,
    /// See `MoE`.
    swiglu_limit: Option<f32>,
    /// See `MoE`.
    use_sparse_mixer: bool = false,
    /// Whether weights are in the order of one processor's kernels: must be 0, or -1 for what a file has by itself.
    weights_prepacked: i64 = -1,
});

/// See the module.
pub static MICROSOFT_QMOE: Composite = composite("QMoE", QMoeAttrs::SCHEMA, Arity::range(7, 14), define, samples);

/// What MoE has attributes for, too.
const SHARED: [&str; 8] = [
    "activation_alpha",
    "activation_beta",
    "activation_type",
    "k",
    "normalize_routing_weights",
    "swiglu_fusion",
    "swiglu_limit",
    "use_sparse_mixer",
];

/// Weights [experts, rows, size] of operand `i` and its scales, and its zero points at `zero`.
fn weights(b: &mut Builder, x: &[Option<Value>], (i, zero): (usize, usize), bits: i64, block: i64) -> Result<Value> {
    let (w, scales) = (given(x, i, "weights")?, given(x, i + 1, "scales")?);
    let dtype = b.g.fact(scales).dtype;
    ensure!(b.g.fact(w).rank() == 3, "operand {i} is {}, expected rank 3", b.g.fact(w));
    let (blocks, expected) = (b.g.fact(scales).rank(), if block > 0 { 3 } else { 2 });
    ensure!(blocks == expected, "operand {} is {}, expected rank {expected}", i + 1, b.g.fact(scales));
    let q = unpacked(b, w, bits, true)?;
    let wide = |b: &mut Builder, v: Value| match block > 0 {
        true => spread(b, v, q, 2, block),
        false => {
            let last = b.ints(&[-1]);
            b.plain("Unsqueeze", &[v, last])
        }
    };
    let zero = match optional(x, zero) {
        Some(z) => {
            let z = unpacked(b, z, bits, true)?;
            let z = wide(b, z)?;
            b.cast(z, dtype)?
        }
        None => b.number(dtype, f64::from(1 << (bits - 1))),
    };
    let (v, scale) = (b.cast(q, dtype)?, wide(b, scales)?);
    let v = b.plain("Sub", &[v, zero])?;
    b.plain("Mul", &[v, scale])
}

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = QMoeAttrs::read(c.attrs)?;
    ensure!(a.quant_type == "int", "quant_type is {:?}, expected \"int\"", a.quant_type);
    ensure!(a.weights_prepacked < 1, "weights_prepacked is {}, expected 0 or -1", a.weights_prepacked);
    let bits = |own: Option<i64>| own.unwrap_or(a.expert_weight_bits);
    let fc1 = weights(b, x, (2, 11), bits(a.fc1_expert_weight_bits), a.block_size)?;
    let fc2 = weights(b, x, (5, 12), bits(a.fc2_expert_weight_bits), a.block_size)?;
    let fc3 = match optional(x, 8) {
        Some(_) => Some(weights(b, x, (8, 13), bits(a.fc3_expert_weight_bits), a.block_size)?),
        None => None,
    };
    let (input, router) = (optional(x, 0), optional(x, 1));
    let x = [input, router, Some(fc1), optional(x, 4), Some(fc2), optional(x, 7), fc3, optional(x, 10)];
    Ok(vec![b.optional("com.microsoft.MoE", only(c.attrs, &SHARED), &x)?])
}

fn samples() -> Vec<Sample> {
    let bytes = |shape: &[usize], seed: i64| Some(sample_ints(DType::U8, shape, seed));
    let f = |shape: &[usize], seed: u32| {
        let t = sample_floats(shape, seed);
        Some(Tensor::new(DType::F32, shape, t.iter().map(|v| Num::F(v.f() / 64.0))))
    };
    let router: Vec<f64> = (0..12).map(|i| ((i * 7) % 11) as f64 / 4.0).collect();
    let router = Some(Tensor::floats(DType::F32, &[4, 3], &router));
    let s = |attrs: Attrs, x: &[&[Option<Tensor>]]| Sample { attrs, x: x.concat(), outputs: 1 };
    let first = || [f(&[4, 32], 1), router.clone()];
    let rows = |bits: usize| {
        [
            bytes(&[3, 16, 4 * bits], 2),
            f(&[3, 16], 3),
            None,
            bytes(&[3, 32, 2 * bits], 4),
            f(&[3, 32], 5),
            f(&[3, 32], 6),
        ]
    };
    let blocks = [bytes(&[3, 16, 16], 2), f(&[3, 16, 2], 3), None, bytes(&[3, 32, 8], 4), f(&[3, 32, 1], 5), None];
    let zeros = [None, None, None, bytes(&[3, 16, 1], 7), bytes(&[3, 32, 1], 8)];
    let third = [bytes(&[3, 16, 16], 7), f(&[3, 16], 8), f(&[3, 16], 9)];
    let glu =
        Attrs::new().with("activation_type", "swiglu").with("activation_alpha", 1.5f32).with("swiglu_limit", 1.0f32);
    let all = glu.clone().with("swiglu_fusion", 0i64).with("activation_beta", 1.0f32).with("k", 2i64);
    let all = all.with("normalize_routing_weights", 1i64).with("use_sparse_mixer", 0i64).with("accuracy_level", 0i64);
    let all = all.with("quant_type", "int").with("weights_prepacked", 0i64).with("expert_weight_bits", 8i64);
    let own = all.with("fc1_expert_weight_bits", 4i64).with("fc2_expert_weight_bits", 4i64);
    vec![
        s(Attrs::new().with("block_size", 16i64), &[&first(), &blocks, &zeros]),
        s(Attrs::new().with("expert_weight_bits", 8i64), &[&first(), &rows(8)]),
        s(own.with("fc3_expert_weight_bits", 4i64), &[&first(), &rows(4), &third]),
    ]
}
