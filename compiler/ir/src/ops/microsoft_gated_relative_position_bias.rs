//! `com.microsoft.GatedRelativePositionBias`: relative positions weighted by two gates of each query.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>

use super::common::builder::Builder;
use super::common::composite::{Composite, given, optional};
use super::common::elementwise::sample_floats;
use super::common::qlinear::composite;
use crate::{Arity, Attrs, Ctx, DType, Result, Sample, Tensor, Value, attrs, ensure};

attrs!(GatedRelativePositionBiasAttrs {
    /// Number of heads.
    num_heads: i64,
});

/// See the module.
pub static MICROSOFT_GATED_RELATIVE_POSITION_BIAS: Composite =
    composite("GatedRelativePositionBias", GatedRelativePositionBiasAttrs::SCHEMA, Arity::range(6, 7), define, samples);

/// The gates u and r of every query: [batch, heads, queries, 1].
fn gates(b: &mut Builder, query: Value, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let y = b.plain("MatMul", &[query, given(x, 3, "weight")?])?;
    let y = b.plain("Add", &[y, given(x, 4, "bias")?])?;
    let halves = b.reshape(y, &[0, 0, 0, 2, -1])?;
    let last = b.ints(&[-1]);
    let sums = b.op("ReduceSum", Attrs::new().with("keepdims", 0i64), &[halves, last])?;
    let gates = b.plain("Sigmoid", &[sums])?;
    b.results("Split", Attrs::new().with("axis", -1i64).with("num_outputs", 2i64), &[Some(gates)], 2)
}

fn define(b: &mut Builder, c: &Ctx, x: &[Option<Value>]) -> Result<Vec<Value>> {
    let heads = GatedRelativePositionBiasAttrs::read(c.attrs)?.num_heads;
    ensure!(heads > 0, "num_heads is {heads}, expected a positive number");
    let mut query = given(x, 0, "query_layer")?;
    if let Some(offsets) = optional(x, 6) {
        query = b.plain("com.microsoft.RestorePadding", &[query, offsets])?;
    }
    ensure!(b.g.fact(query).rank() == 3, "query_layer is {}, expected rank 3", b.g.fact(query));
    let query = b.plain("Add", &[query, given(x, 1, "query_bias")?])?;
    let query = b.reshape(query, &[0, 0, heads, -1])?;
    let query = b.transpose(query, &[0, 2, 1, 3])?;
    let gates = gates(b, query, x)?;
    let dtype = b.g.fact(query).dtype;
    let (one, two) = (b.number(dtype, 1.0), b.number(dtype, 2.0));
    let r = b.plain("Mul", &[gates[1], given(x, 5, "eco_a")?])?;
    let r = b.plain("Sub", &[r, one])?;
    let u = b.plain("Mul", &[gates[0], r])?;
    let u = b.plain("Add", &[u, two])?;
    Ok(vec![b.plain("Mul", &[u, given(x, 2, "rel_pos")?])?])
}

fn samples() -> Vec<Sample> {
    let f = |shape: &[usize], seed: u32| sample_floats(shape, seed);
    let order = Tensor::floats(DType::I32, &[2, 3], &[0.0, 3.0, 4.0, 1.0, 2.0, 5.0]);
    let rest = || vec![f(&[8], 2), f(&[1, 2, 3, 3], 3), f(&[4, 6], 4), f(&[6], 5), f(&[1, 2, 1, 1], 6)];
    let s = |x: Vec<Tensor>| Sample::new(Attrs::new().with("num_heads", 2i64), x);
    let whole = [vec![f(&[2, 3, 8], 1)], rest()].concat();
    let packed = [vec![f(&[3, 8], 1)], rest(), vec![order]].concat();
    vec![s(whole), s(packed)]
}
