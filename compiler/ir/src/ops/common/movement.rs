//! What operators that move, repeat and pick elements share.

use crate::lower::{E, Expr, Lowering, Proc, Ty, store};
use crate::op::{axis, maybe, need};
use crate::tensor::for_each_index;
use crate::{Ctx, DType, Dim, Fact, Num, Result, Tensor, bail, ensure};

/// A tensor of this shape whose element at each index is the element of `x` at the row-major position `at` gives.
pub fn take(x: &Tensor, shape: &[usize], mut at: impl FnMut(&[usize]) -> usize) -> Result<Tensor> {
    let size = x.dtype().size();
    let mut out = Vec::with_capacity(size * shape.iter().product::<usize>());
    for_each_index(shape, |idx| {
        let i = at(idx) * size;
        out.extend_from_slice(&x.bytes()[i..i + size]);
    });
    Tensor::from_bytes(x.dtype(), shape, out.into())
}

/// Row-major position of an index.
pub fn offset(strides: &[usize], idx: &[usize]) -> usize {
    strides.iter().zip(idx).map(|(s, i)| s * i).sum()
}

/// Elements of the constant integer operand `i`; `None` when it is omitted, a refusal when it is not constant.
pub fn const_ints(x: &[Option<&Fact>], i: usize, name: &str) -> Result<Option<Vec<i64>>> {
    match maybe(x, i).map(|f| (f, f.as_ints())) {
        None => Ok(None),
        Some((_, Some(v))) => Ok(Some(v)),
        Some((f, None)) => bail!("operand {name} is {f}, expected a constant"),
    }
}

/// Axes as `0..rank`, none of them twice.
pub fn axes(list: &[i64], rank: usize) -> Result<Vec<usize>> {
    let out: Vec<usize> = list.iter().map(|a| axis(*a, rank)).collect::<Result<_>>()?;
    ensure!((1..out.len()).all(|i| !out[..i].contains(&out[i])), "axes are {list:?}, expected each axis once");
    Ok(out)
}

/// Number of elements of the vector operand `i`.
pub fn vector_len(x: &[Option<&Fact>], i: usize, name: &str) -> Result<usize> {
    let f = need(x, i, name)?;
    match f.const_shape().as_deref() {
        Some([n]) => Ok(*n),
        _ => bail!("operand {name} is {f}, expected a vector of known length"),
    }
}

/// Sizes that are constant, with those that are not as 0.
pub fn sizes(shape: &[Dim]) -> Vec<usize> {
    shape.iter().map(|d| d.as_const().map_or(0, |v| v.max(0) as usize)).collect()
}

/// An element constant of this type.
pub fn constant(dtype: DType, v: Num) -> Expr {
    let ty = Ty::of(dtype);
    match ty {
        Ty::U64 => Expr::from(E::Int(Ty::I64, v.i() as u64 as i64)).cast(ty),
        _ if ty.is_float() => Expr::num(ty, v.f()),
        _ => E::Int(ty, v.i() as i64).into(),
    }
}

/// The scalar or one-element operand `i` as an index expression: known sizes as such, data loaded.
pub fn scalar(i: usize, x: &Fact) -> Expr {
    match x.as_dims().as_deref() {
        Some([d]) => Expr::size(d),
        _ => Expr::load(i, x, vec![Expr::int(0); x.rank()]).cast(Ty::I64),
    }
}

/// Element `k` of the integer vector operand `i` as an index expression: known sizes as such, data loaded.
pub fn element(i: usize, x: &Fact, k: usize) -> Expr {
    match x.as_dims().as_ref().and_then(|d| d.get(k)) {
        Some(d) => Expr::size(d),
        None => Expr::load(i, x, vec![Expr::int(k as i64)]).cast(Ty::I64),
    }
}

/// An index that data gives, counted from the end when negative and kept within `0..extent`.
pub fn clamped(index: &Expr, extent: &Dim) -> Expr {
    let last = Expr::size(&(extent.clone() - 1.into()));
    index.cast(Ty::I64).wrap_index(extent).min(&last).max(&Expr::int(0))
}

/// The load where every one of these extents is at least 1, else 0: for indices that data gives.
pub fn guarded<'a>(extents: impl IntoIterator<Item = &'a Dim>, load: &Expr) -> Expr {
    let unsure = extents.into_iter().filter(|d| !d.at_least(1));
    let some = unsure.map(|d| Expr::size(d).gt(&Expr::int(0))).reduce(|a, b| a.and(&b));
    some.map_or(load.clone(), |c| c.select(load, &Expr::num(load.ty(), 0.0)))
}

/// An index of data as `0..extent`, or a refusal.
pub fn checked(index: i64, extent: usize) -> Result<usize> {
    let i = if index < 0 { index + extent as i64 } else { index };
    match usize::try_from(i) {
        Ok(i) if i < extent => Ok(i),
        _ => bail!("operand indices has {index}, expected a number in -{extent}..{extent}"),
    }
}

/// `fill` after the fresh symbols of the node, in order, are bound to these sizes.
pub fn dynamic(c: &Ctx, sizes: &[Expr], fill: Lowering) -> Lowering {
    let y = Fact::new(DType::I64, [sizes.len().into()]);
    let body = sizes.iter().enumerate().map(|(k, s)| store(0, &y, vec![Expr::int(k as i64)], s.clone())).collect();
    Lowering::Dynamic {
        count: Proc { scratch: vec![], parallel: None, body },
        symbols: (0..sizes.len()).map(|k| c.fresh_name(k)).collect(),
        fill: Box::new(fill),
    }
}

/// The only size of two that must be equal: a constant if either is one; a refusal if they differ.
pub fn unify(a: &Dim, b: &Dim) -> Result<Dim> {
    match (a.as_const(), b.as_const()) {
        (Some(x), Some(y)) if x != y => bail!("operands have sizes {x} and {y}, expected equal"),
        (None, Some(_)) => Ok(b.clone()),
        _ => Ok(a.clone()),
    }
}

/// An i64 vector, for samples.
pub fn ints(v: &[i64]) -> Tensor {
    Tensor::i64(&[v.len()], v)
}

/// The floats 0, 1, 2, ..., for samples where positions matter.
pub fn counting(shape: &[usize]) -> Tensor {
    let n: usize = shape.iter().product();
    Tensor::new(DType::F32, shape, (0..n).map(|i| Num::F(i as f64)))
}
