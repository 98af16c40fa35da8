//! What the operators on sequences share.

use crate::{DType, Fact, Num, Result, Tensor, bail, ensure};

/// Refuses what is no sequence.
pub fn sequence(f: &Fact) -> Result<&Fact> {
    ensure!(matches!(f.form, crate::Form::Sequence(_)), "operand 0 is {f}, expected a sequence");
    Ok(f)
}

/// Refuses what is no tensor.
pub fn dense<'a>(f: &'a Fact, name: &str) -> Result<&'a Fact> {
    ensure!(f.form.is_dense(), "operand {name} is {f}, expected a tensor");
    Ok(f)
}

/// Refuses a position that is no single integer.
pub fn position_fact(f: Option<&Fact>) -> Result<()> {
    let ok = |f: &Fact| {
        let one = f.len().as_const().is_none_or(|n| n == 1);
        f.form.is_dense() && matches!(f.dtype, DType::I64 | DType::I32) && one
    };
    match f.filter(|f| !ok(f)) {
        Some(f) => bail!("operand position is {f}, expected one i64 or i32"),
        None => Ok(()),
    }
}

/// A position in `-n..n`, or `-n..=n` where `end` is one, as `0..=n`; `default` where it is not given.
pub fn position(t: Option<&Tensor>, n: usize, end: bool, default: usize) -> Result<usize> {
    let Some(t) = t else { return Ok(default) };
    ensure!(t.len() == 1, "operand position has {} elements, expected 1", t.len());
    let (p, n) = (t.at(0).i() as i64, n as i64);
    let at = if p < 0 { p + n } else { p };
    ensure!(at >= 0 && (at < n || (end && at == n)), "operand position is {p}, expected one of a sequence of {n}");
    Ok(at as usize)
}

/// Sequences for tests: three tensors of one shape, three of several sizes, none.
pub fn samples() -> Vec<Tensor> {
    let of = |shapes: &[[usize; 2]]| {
        let item = |(i, s): (usize, &[usize; 2])| super::elementwise::sample_floats(s, i as u32 + 1);
        Tensor::sequence(DType::F32, shapes.iter().enumerate().map(item).collect())
    };
    vec![of(&[[2, 3], [2, 3], [2, 3]]), of(&[[2, 3], [2, 1], [2, 4]])]
}

/// One i64 without axes.
pub fn int(v: i64) -> Tensor {
    Tensor::scalar(DType::I64, Num::I(v.into()))
}
