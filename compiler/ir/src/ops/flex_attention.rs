//! `ai.onnx.preview.FlexAttention`: attention whose scores and probabilities go through graphs of the model's own.
//! <https://onnx.ai/onnx/operators/onnx_aionnxpreview_FlexAttention.html>

use super::common::attention_graph::{default_scale, repeated};
use super::common::builder::Builder;
use super::common::composite::{Composite, given};
use super::common::control::splice;
use super::common::elementwise::sample_floats;
use crate::{Arity, Attrs, Ctx, DType, Fact, Graph, Num, Result, Sample, Tensor, Value, attrs, ensure};
use std::sync::Arc;

attrs!(FlexAttentionAttrs {
    /// What the probabilities go through.
    prob_mod: Option<Arc<Graph>>,
    /// Factor of the products; absent is `1 / sqrt(head size)`.
    scale: Option<f32>,
    /// What the scores go through.
    score_mod: Option<Arc<Graph>>,
    /// Type the softmax is computed in; absent is f32, or f64 for f64 operands.
    softmax_precision: Option<DType>,
});

/// See the module.
pub static FLEX_ATTENTION: Composite = Composite {
    name: "FlexAttention",
    domain: "ai.onnx.preview",
    schema: FlexAttentionAttrs::SCHEMA,
    operands: Arity::exactly(3),
    results: Arity::exactly(1),
    define,
    samples,
};

fn changed(b: &mut Builder, v: Value, by: Option<&Arc<Graph>>, name: &str) -> Result<Value> {
    let Some(g) = by else { return Ok(v) };
    ensure!(
        g.inputs().len() == 1 && g.outputs().len() == 1,
        "attribute {name} has {} inputs and {} outputs, expected one each",
        g.inputs().len(),
        g.outputs().len()
    );
    let out = splice(&mut b.g, g, &[v], &format!("{name}/"))?[0];
    let (old, new) = (b.g.fact(v), b.g.fact(out));
    ensure!(old.dtype == new.dtype && old.rank() == new.rank(), "{name} gives {new}, expected {old}");
    Ok(out)
}

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let a = FlexAttentionAttrs::read(c.attrs)?;
    let x = [given(x, 0, "Q")?, given(x, 1, "K")?, given(x, 2, "V")?];
    ensure!(
        x.iter().all(|v| b.g.fact(*v).rank() == 4),
        "operands Q, K and V have ranks {:?}, expected 4",
        x.map(|v| b.g.fact(v).rank())
    );
    let dtype = b.g.fact(x[0]).dtype;
    let wide = a.softmax_precision.unwrap_or(if dtype == DType::F64 { DType::F64 } else { DType::F32 });
    let [q, k, v] = [b.cast(x[0], wide)?, b.cast(x[1], wide)?, b.cast(x[2], wide)?];
    let (k, v) = (repeated(b, k, q)?, repeated(b, v, q)?);
    let k = b.transpose(k, &[0, 1, 3, 2])?;
    let scale = match a.scale {
        Some(s) => b.number(wide, s.into()),
        None => default_scale(b, q, wide)?,
    };
    let products = b.plain("MatMul", &[q, k])?;
    let scores = b.plain("Mul", &[products, scale])?;
    let scores = changed(b, scores, a.score_mod.as_ref(), "score_mod")?;
    let p = b.op("Softmax", Attrs::new().with("axis", -1i64), &[scores])?;
    let p = changed(b, p, a.prob_mod.as_ref(), "prob_mod")?;
    let y = b.plain("MatMul", &[p, v])?;
    Ok(vec![b.cast(y, dtype)?])
}

/// A graph that multiplies what it gets by a number.
fn times(by: f64) -> Result<Graph> {
    let mut g = Graph::new("times");
    let x = g.add_input("x", Fact::new(DType::F32, [1, 1, 1, 1].map(Into::into)));
    let by = g.add_const("by", Tensor::scalar(DType::F32, Num::F(by)));
    let y = g.apply("product", "Mul", Attrs::new(), &[x, by])?;
    g.add_output("y", y);
    Ok(g)
}

fn samples() -> Vec<Sample> {
    let s = |a: Attrs, heads: usize| {
        let x = [[2, 4, 3, 5], [2, heads, 6, 5], [2, heads, 6, 7]];
        Sample::new(a, x.iter().enumerate().map(|(i, s)| sample_floats(s, i as u32)).collect())
    };
    let changed = match (times(0.5), times(2.0)) {
        (Ok(p), Ok(q)) => Attrs::new().with("score_mod", p).with("prob_mod", q),
        _ => Attrs::new(),
    };
    vec![
        s(Attrs::new(), 4),
        s(changed.with("scale", 0.2f32), 2),
        s(Attrs::new().with("softmax_precision", DType::F64), 1),
    ]
}
