//! Shape rules that many operators share.

use crate::{Dim, Error, Fact, Result, bail};

/// The common shape of operands that broadcast as NumPy's do. A symbolic size that meets a constant other than 1 gives
/// the constant; two different symbolic sizes give their maximum. Whether such sizes are in truth equal or 1 is checked
/// when they are known: [`crate::lower::broadcast_load`] stays right for both, and the program asserts it.
pub fn broadcast(shapes: &[&[Dim]]) -> Result<Vec<Dim>> {
    let rank = shapes.iter().map(|s| s.len()).max().unwrap_or(0);
    let mut out: Vec<Dim> = vec![1.into(); rank];
    for s in shapes {
        for (o, d) in out[rank - s.len()..].iter_mut().zip(*s) {
            *o = join(o, d).ok_or_else(|| apart(shapes, o, d))?;
        }
    }
    Ok(out)
}

/// Says which shapes do not broadcast.
fn apart(shapes: &[&[Dim]], a: &Dim, b: &Dim) -> Error {
    let text = |s: &&[Dim]| format!("[{}]", s.iter().map(Dim::to_string).collect::<Vec<_>>().join(","));
    let all: Vec<String> = shapes.iter().map(text).collect();
    Error::op(format!("operands of shapes {} do not broadcast: sizes {a} and {b}, expected equal or 1", all.join(", ")))
}

fn join(a: &Dim, b: &Dim) -> Option<Dim> {
    match (a.as_const(), b.as_const()) {
        _ if a == b => Some(a.clone()),
        (Some(1), _) => Some(b.clone()),
        (_, Some(1)) => Some(a.clone()),
        (Some(_), None) => Some(a.clone()),
        (None, Some(_)) => Some(b.clone()),
        (None, None) => Some(a.max_of(b)),
        _ => None,
    }
}

/// The shape of all operands, broadcast.
pub fn broadcast_facts(x: &[&Fact]) -> Result<Vec<Dim>> {
    broadcast(&x.iter().map(|f| &f.shape[..]).collect::<Vec<_>>())
}

/// Refuses operands of different element types.
pub fn same_dtype(x: &[&Fact]) -> Result<()> {
    match x.windows(2).find(|w| w[0].dtype != w[1].dtype) {
        Some(w) => bail!("operands have types {} and {}, expected one type", w[0].dtype, w[1].dtype),
        None => Ok(()),
    }
}

/// Indices of `shape` broadcast to a result whose index is `idx`.
pub fn broadcast_index(shape: &[usize], idx: &[usize]) -> usize {
    let skip = idx.len() - shape.len();
    let mut at = 0;
    for (d, i) in shape.iter().zip(&idx[skip..]) {
        at = at * d + if *d == 1 { 0 } else { *i };
    }
    at
}
