//! Element-wise operators: one formula as the meaning, one as the lowering.

use crate::infer::{broadcast_facts, broadcast_index};
use crate::op::need;
use crate::tensor::for_each_index;
use crate::{DType, Dim, Fact, Num, Result, Tensor};

/// Meaning of an element-wise operator over operands broadcast as NumPy's.
pub fn eval(x: &[&Tensor], dtype: DType, f: impl Fn(&[Num]) -> Num) -> Result<Tensor> {
    let facts: Vec<Fact> = x.iter().map(|t| t.type_fact()).collect();
    let shape = broadcast_facts(&facts.iter().collect::<Vec<_>>())?;
    let shape: Vec<usize> = shape.iter().map(|d| d.as_const().unwrap_or(0) as usize).collect();
    let mut data = Vec::new();
    let mut args = vec![Num::I(0); x.len()];
    for_each_index(&shape, |idx| {
        for (a, t) in args.iter_mut().zip(x) {
            *a = t.at(broadcast_index(t.shape(), idx));
        }
        data.push(f(&args));
    });
    Ok(Tensor::new(dtype, &shape, data))
}

/// Fact of an element-wise result of type `dtype`.
pub fn infer(x: &[&Fact], dtype: DType) -> Result<Fact> {
    Ok(Fact::new(dtype, broadcast_facts(x)?))
}

/// All operands, none of which may be omitted.
pub fn all<'a, T>(x: &[Option<&'a T>]) -> Result<Vec<&'a T>> {
    (0..x.len()).map(|i| need(x, i, "x")).collect()
}

/// Floats that the samples of element-wise operators use: both signs, zero, fractions.
pub fn sample_floats(shape: &[usize], seed: u32) -> Tensor {
    let n: usize = shape.iter().product();
    let mut s = seed.wrapping_mul(747796405).wrapping_add(2891336453);
    let data: Vec<f32> = (0..n)
        .map(|_| {
            s = s.wrapping_mul(1664525).wrapping_add(1013904223);
            ((s >> 16) % 129) as f32 / 16.0 - 4.0
        })
        .collect();
    Tensor::f32(shape, &data)
}

/// Fact of a binary element-wise result on integers that may be known as expressions over the sizes: `f` gives the
/// element from two elements, or `None` when no expression says it.
pub fn infer_known(x: &[&Fact], dtype: DType, f: impl Fn(&Dim, &Dim) -> Option<Dim>) -> Result<Fact> {
    infer_known_all(x, dtype, |v| f(v[0], v[1]))
}

/// The same for any number of operands.
pub fn infer_known_all(x: &[&Fact], dtype: DType, f: impl Fn(&[&Dim]) -> Option<Dim>) -> Result<Fact> {
    let y = infer(x, dtype)?;
    let known: Option<Vec<Vec<Dim>>> = x.iter().map(|f| f.as_dims()).collect();
    let Some(known) = known.filter(|_| y.rank() <= 1) else { return Ok(y) };
    let n = match y.shape.first().map(Dim::as_const) {
        None => 1,
        Some(Some(n)) => n as usize,
        Some(None) => return Ok(y),
    };
    if known.iter().any(|v| v.len() != n && v.len() != 1) {
        return Ok(y);
    }
    let element = |i: usize| f(&known.iter().map(|v| &v[i.min(v.len() - 1)]).collect::<Vec<_>>());
    Ok(match (0..n).map(element).collect() {
        Some(v) => y.with_dims(v),
        None => y,
    })
}
