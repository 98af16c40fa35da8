//! `com.microsoft.MoE`: a mixture of experts, each two matrix products with a function between, of which every token
//! goes through those that its router likes best.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>
//!
//! The graph computes every expert for every token, and sums those that were chosen; of experts that are liked as much,
//! it chooses the first.

use super::common::builder::Builder;
use super::common::composite::{Composite, given, optional};
use super::common::elementwise::sample_floats;
use super::common::stated::Stated;
use crate::op::{maybe, need};
use crate::{Arity, Attrs, Ctx, DType, Num, Result, Sample, Tensor, Value, attrs, bail, ensure};

attrs!(MoeAttrs {
    /// Factor inside the sigmoid of SwiGLU.
    activation_alpha: f32 = 1.0,
    /// What is added to the linear half of SwiGLU.
    activation_beta: f32 = 0.0,
    /// `relu`, `gelu`, `silu`, `swiglu` or `identity`.
    activation_type: String = "relu".into(),
    /// Number of experts of a token.
    k: i64 = 1,
    /// Whether the weights of the chosen experts sum to 1.
    normalize_routing_weights: bool = false,
    /// Where the linear half of SwiGLU is: in fc3 (0), in every other row of fc1 (1), or after the gates (2).
    swiglu_fusion: i64 = 0,
    /// Limit of the halves of SwiGLU; absent is none.
    swiglu_limit: Option<f32>,
    /// Whether experts are chosen by the rule of sparse mixers: must be 0.
    use_sparse_mixer: bool = false,
});

/// See the module.
pub static MICROSOFT_MOE: Stated = Stated {
    graph: Composite {
        name: "MoE",
        domain: "com.microsoft",
        schema: MoeAttrs::SCHEMA,
        operands: Arity::range(5, 8),
        results: Arity::exactly(1),
        define,
        samples,
    },
    meaning,
    constant_sizes: &[2, 4],
};

/// The function of one number, for all but SwiGLU.
fn function(name: &str) -> Result<fn(f64) -> f64> {
    Ok(match name {
        "relu" => |v| v.max(0.0),
        "gelu" => |v| 0.5 * v * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (v + 0.044715 * v * v * v)).tanh()),
        "silu" => |v| v / (1.0 + (-v).exp()),
        "identity" => |v| v,
        _ => bail!("activation_type is {name:?}, expected relu, gelu, silu, swiglu or identity"),
    })
}

/// Row `i` of the products of expert `e` with `v`: weights [experts, rows, size] and a bias [experts, rows].
fn product(w: &Tensor, bias: Option<&Tensor>, e: usize, i: usize, v: &[f64]) -> f64 {
    let (rows, n) = (w.shape()[1], w.shape()[2]);
    let sum: f64 = (0..n).map(|j| w.at((e * rows + i) * n + j).f() * v[j]).sum();
    sum + bias.map_or(0.0, |b| b.at(e * rows + i).f())
}

/// What expert `e` has between its two products.
fn inner(a: &MoeAttrs, x: &[Option<&Tensor>], e: usize, v: &[f64]) -> Result<Vec<f64>> {
    let fc1 = need(x, 2, "fc1_experts_weights")?;
    let first = |i: usize| product(fc1, maybe(x, 3), e, i, v);
    let third = |i: usize| maybe(x, 6).map(|w| product(w, maybe(x, 7), e, i, v));
    if a.activation_type != "swiglu" {
        let f = function(&a.activation_type)?;
        return Ok((0..fc1.shape()[1]).map(|i| f(first(i)) * third(i).unwrap_or(1.0)).collect());
    }
    let (limit, n) = (f64::from(a.swiglu_limit.unwrap_or(f32::INFINITY)), fc1.shape()[1]);
    let halves = |i: usize| match a.swiglu_fusion {
        0 => (first(i), third(i).unwrap_or(0.0)),
        1 => (first(2 * i), first(2 * i + 1)),
        _ => (first(i), first(n / 2 + i)),
    };
    let gated = |(gate, linear): (f64, f64)| {
        let (gate, linear) = (gate.min(limit), linear.clamp(-limit, limit));
        gate / (1.0 + (-f64::from(a.activation_alpha) * gate).exp()) * (linear + f64::from(a.activation_beta))
    };
    Ok((0..if a.swiglu_fusion == 0 { n } else { n / 2 }).map(|i| gated(halves(i))).collect())
}

/// The experts of a token and their weights.
fn route(a: &MoeAttrs, logits: &[f64]) -> Vec<(usize, f64)> {
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|i, j| logits[*j].total_cmp(&logits[*i]));
    let chosen = &order[..a.k as usize];
    let among = if a.normalize_routing_weights { chosen } else { &order };
    let exp = |i: &usize| (logits[*i] - logits[order[0]]).exp();
    let total: f64 = among.iter().map(exp).sum();
    chosen.iter().map(|i| (*i, exp(i) / total)).collect()
}

fn meaning(c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let a = MoeAttrs::read(c.attrs)?;
    let (tokens, router, fc2) = (need(x, 0, "input")?, need(x, 1, "router_probs")?, need(x, 4, "fc2_experts_weights")?);
    let (hidden, experts) = (fc2.shape()[1], router.shape()[1]);
    let (all, logits) = (tokens.to_f64(), router.to_f64());
    let mut out = vec![];
    for (v, logits) in all.chunks(hidden).zip(logits.chunks(experts)) {
        let mut sum = vec![0.0; hidden];
        for (e, weight) in route(&a, logits) {
            let inner = inner(&a, x, e, v)?;
            (0..hidden).for_each(|i| sum[i] += weight * product(fc2, maybe(x, 5), e, i, &inner));
        }
        out.extend(sum.into_iter().map(Num::F));
    }
    Ok(vec![Tensor::new(tokens.dtype(), tokens.shape(), out)])
}

/// Every expert's products: [experts, tokens, rows].
fn products(b: &mut Builder, v: Value, w: Value, bias: Option<Value>) -> Result<Value> {
    let w = b.transpose(w, &[0, 2, 1])?;
    let y = b.plain("MatMul", &[v, w])?;
    let Some(bias) = bias else { return Ok(y) };
    let axis = b.ints(&[1]);
    let bias = b.plain("Unsqueeze", &[bias, axis])?;
    b.plain("Add", &[y, bias])
}

/// The gates and the linear half of SwiGLU.
fn halves(b: &mut Builder, a: &MoeAttrs, first: Value, third: Option<Value>) -> Result<[Value; 2]> {
    let every = |b: &mut Builder, from: i64| {
        let bounds = [b.ints(&[from]), b.ints(&[i64::MAX]), b.ints(&[-1]), b.ints(&[2])];
        b.plain("Slice", &[first, bounds[0], bounds[1], bounds[2], bounds[3]])
    };
    match (a.swiglu_fusion, third) {
        (0, Some(linear)) => Ok([first, linear]),
        (1, None) => Ok([every(b, 0)?, every(b, 1)?]),
        (2, None) => {
            let attrs = Attrs::new().with("axis", -1i64).with("num_outputs", 2i64);
            let parts = b.results("Split", attrs, &[Some(first)], 2)?;
            Ok([parts[0], parts[1]])
        }
        (n, _) => bail!("swiglu_fusion is {n}, expected 0 with fc3_experts_weights, or 1 or 2 without"),
    }
}

fn swiglu(b: &mut Builder, a: &MoeAttrs, [mut gate, mut linear]: [Value; 2]) -> Result<Value> {
    let dtype = b.g.fact(gate).dtype;
    if let Some(limit) = a.swiglu_limit {
        let (low, high) = (b.number(dtype, -f64::from(limit)), b.number(dtype, limit.into()));
        gate = b.plain("Min", &[gate, high])?;
        linear = b.plain("Clip", &[linear, low, high])?;
    }
    let gate = b.op("Swish", Attrs::new().with("alpha", a.activation_alpha), &[gate])?;
    let beta = b.number(dtype, a.activation_beta.into());
    let linear = b.plain("Add", &[linear, beta])?;
    b.plain("Mul", &[gate, linear])
}

/// What is between the two products.
fn activated(b: &mut Builder, a: &MoeAttrs, first: Value, third: Option<Value>) -> Result<Value> {
    let y = match &a.activation_type[..] {
        "swiglu" => {
            let halves = halves(b, a, first, third)?;
            return swiglu(b, a, halves);
        }
        "relu" => b.plain("Relu", &[first])?,
        "gelu" => b.op("Gelu", Attrs::new().with("approximate", "tanh"), &[first])?,
        "silu" => b.plain("Swish", &[first])?,
        name => function(name).map(|_| first)?,
    };
    match third {
        Some(third) => b.plain("Mul", &[y, third]),
        None => Ok(y),
    }
}

/// The weight of every expert for every token, [experts, tokens, 1], and where it was chosen.
fn weights(b: &mut Builder, a: &MoeAttrs, router: Value) -> Result<[Value; 2]> {
    let (k, dtype) = (b.ints(&[a.k]), b.g.fact(router).dtype);
    let best = b.results("TopK", Attrs::new(), &[Some(router), Some(k)], 2)?;
    let softmax = |b: &mut Builder, v: Value| b.op("Softmax", Attrs::new().with("axis", 1i64), &[v]);
    let chosen = match a.normalize_routing_weights {
        true => softmax(b, best[0])?,
        false => {
            let all = softmax(b, router)?;
            b.op("GatherElements", Attrs::new().with("axis", 1i64), &[all, best[1]])?
        }
    };
    let spread = |b: &mut Builder, v: Value, dtype: DType| {
        let shape = b.plain("Shape", &[router])?;
        let zeros = Attrs::new().with("value", Tensor::floats(dtype, &[1], &[0.0]));
        let zeros = b.op("ConstantOfShape", zeros, &[shape])?;
        let all = b.op("ScatterElements", Attrs::new().with("axis", 1i64), &[zeros, best[1], v])?;
        let (all, axis) = (b.transpose(all, &[1, 0])?, b.ints(&[2]));
        b.plain("Unsqueeze", &[all, axis])
    };
    let (yes, shape) = (b.number(DType::Bool, 1.0), b.plain("Shape", &[best[1]])?);
    let yes = b.plain("Expand", &[yes, shape])?;
    Ok([spread(b, chosen, dtype)?, spread(b, yes, DType::Bool)?])
}

fn check(b: &Builder, a: &MoeAttrs, x: &[Option<Value>]) -> Result<()> {
    ensure!(!a.use_sparse_mixer, "attribute use_sparse_mixer is 1, expected 0: it is not supported");
    let limit = a.swiglu_limit.unwrap_or(0.0);
    let fits = limit >= 0.0;
    ensure!(fits, "attribute swiglu_limit is {limit}, expected 0 or more");
    let (router, w) = (b.g.fact(given(x, 1, "router_probs")?), b.g.fact(given(x, 2, "fc1_experts_weights")?));
    ensure!(router.rank() == 2, "router_probs is {router}, expected rank 2");
    ensure!(w.rank() == 3, "fc1_experts_weights is {w}, expected rank 3");
    let fits = a.k >= 1 && router.shape[1].as_const().is_none_or(|e| a.k <= e);
    ensure!(fits, "k is {}, expected 1 up to the number of experts in {router}", a.k);
    Ok(())
}

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = MoeAttrs::read(c.attrs)?;
    check(b, &a, x)?;
    let (tokens, dtype) = (given(x, 0, "input")?, b.g.fact(given(x, 0, "input")?).dtype);
    let rank = b.g.fact(tokens).rank() as i64;
    ensure!(rank == 2 || rank == 3, "input is {}, expected rank 2 or 3", b.g.fact(tokens));
    let (shape, hidden) = (b.plain("Shape", &[tokens])?, b.size(tokens, rank - 1)?);
    let rows = b.ints(&[1, -1]);
    let rows = b.op("Concat", Attrs::new().with("axis", 0i64), &[rows, hidden])?;
    let rows = b.plain("Reshape", &[tokens, rows])?;
    let first = products(b, rows, given(x, 2, "fc1_experts_weights")?, optional(x, 3))?;
    let third = optional(x, 6).map(|w| products(b, rows, w, optional(x, 7))).transpose()?;
    let inner = activated(b, &a, first, third)?;
    let y = products(b, inner, given(x, 4, "fc2_experts_weights")?, optional(x, 5))?;
    let [weights, chosen] = weights(b, &a, given(x, 1, "router_probs")?)?;
    let (y, zero) = (b.plain("Mul", &[y, weights])?, b.number(dtype, 0.0));
    let y = b.plain("Where", &[chosen, y, zero])?;
    let experts = b.ints(&[0]);
    let y = b.op("ReduceSum", Attrs::new().with("keepdims", 0i64), &[y, experts])?;
    Ok(vec![b.plain("Reshape", &[y, shape])?])
}

fn samples() -> Vec<Sample> {
    let f = |shape: &[usize], seed: u32| {
        let t = sample_floats(shape, seed);
        Some(Tensor::new(DType::F32, shape, t.iter().map(|v| Num::F(v.f() / 4.0))))
    };
    let router = |n: usize| {
        let v: Vec<f64> = (0..n * 3).map(|i| ((i * 7) % 11) as f64 / 4.0).collect();
        Some(Tensor::floats(DType::F32, &[n, 3], &v))
    };
    let named = |name: &str, k: i64| Attrs::new().with("activation_type", name).with("k", k);
    let s = |attrs: Attrs, x: Vec<Option<Tensor>>| Sample { attrs, x, outputs: 1 };
    let plain = || vec![f(&[4, 6], 1), router(4), f(&[3, 8, 6], 2), f(&[3, 8], 3), f(&[3, 6, 8], 4), f(&[3, 6], 5)];
    let third = || [plain(), vec![f(&[3, 8, 6], 6), f(&[3, 8], 7)]].concat();
    let fused = vec![f(&[2, 3, 6], 1), router(6), f(&[3, 8, 6], 2), None, f(&[3, 6, 4], 4)];
    let halves = |n: i64| named("swiglu", 2).with("swiglu_fusion", n).with("activation_alpha", 1.5f32);
    let norm = |a: Attrs| a.with("normalize_routing_weights", 1i64).with("use_sparse_mixer", 0i64);
    vec![
        s(norm(named("relu", 2)), plain()),
        s(named("gelu", 1), plain()),
        s(named("silu", 3), third()),
        s(norm(named("identity", 1)), plain()),
        s(halves(0).with("swiglu_limit", 0.5f32), third()),
        s(norm(halves(1)).with("activation_beta", 1.0f32).with("swiglu_limit", 1.0f32), fused.clone()),
        s(halves(2), fused),
    ]
}
