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
    let y = infer(x, dtype)?;
    let (Some(a), Some(b)) = (x[0].as_dims(), x[1].as_dims()) else { return Ok(y) };
    if y.rank() > 1 || (a.len() != b.len() && a.len() != 1 && b.len() != 1) {
        return Ok(y);
    }
    let values: Option<Vec<Dim>> =
        (0..a.len().max(b.len())).map(|i| f(&a[i.min(a.len() - 1)], &b[i.min(b.len() - 1)])).collect();
    Ok(match values {
        Some(v) => y.with_dims(v),
        None => y,
    })
}
