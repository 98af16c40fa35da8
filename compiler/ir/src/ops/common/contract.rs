//! Sums of products: matrix products with broadcast batches, and the operands of convolutions.

use crate::infer::{broadcast, broadcast_index};
use crate::lower::{Contract, E, Expr, Ty};
use crate::tensor::for_each_index;
use crate::{DType, Dim, Fact, Num, Result, Tensor, bail};

/// The sizes of a product of stacks of matrices; a vector operand is a matrix with an axis of its own left out.
#[derive(Clone, Debug)]
pub struct Matrices {
    /// Broadcast leading axes.
    pub batch: Vec<Dim>,
    /// Rows of the first, unless it is a vector.
    pub m: Option<Dim>,
    /// Summed axis.
    pub k: Dim,
    /// Columns of the second, unless it is a vector.
    pub n: Option<Dim>,
}

impl Matrices {
    /// Sizes of the product of operands of these shapes, or what does not fit.
    pub fn of(a: &[Dim], b: &[Dim]) -> Result<Self> {
        if a.is_empty() || b.is_empty() {
            bail!("operands have ranks {} and {}, expected 1 or more", a.len(), b.len());
        }
        let (ka, kb) = (&a[a.len() - 1], &b[b.len().saturating_sub(2)]);
        if let (Some(x), Some(y)) = (ka.as_const(), kb.as_const())
            && x != y
        {
            bail!("operand A has {x} columns and B has {y} rows, expected as many");
        }
        let stack = |s: &[Dim]| s[..s.len().saturating_sub(2)].to_vec();
        Ok(Matrices {
            batch: broadcast(&[&stack(a), &stack(b)])?,
            m: (a.len() > 1).then(|| a[a.len() - 2].clone()),
            k: if ka.as_const().is_some() { ka.clone() } else { kb.clone() },
            n: (b.len() > 1).then(|| b[b.len() - 1].clone()),
        })
    }

    /// Shape of the product.
    pub fn result(&self) -> Vec<Dim> {
        self.batch.iter().chain(&self.m).chain(&self.n).cloned().collect()
    }
}

/// The product of operands 0 and 1 as a [`Contract`]; factors may be changed afterwards (e.g. zero points taken off).
pub fn matmul(a: &Fact, b: &Fact, y: &Fact) -> Result<Contract> {
    let sizes = Matrices::of(&a.shape, &b.shape)?;
    let nb = sizes.batch.len();
    let mut next = nb as u32;
    let mut axis = |d: &Option<Dim>| {
        d.as_ref().map(|_| {
            next += 1;
            Expr::var(next - 1)
        })
    };
    let (m, n) = (axis(&sizes.m), axis(&sizes.n));
    let k = Expr::var(next);
    let index = |x: &Fact, last: Vec<Expr>| -> Vec<Expr> {
        let stack = x.rank().saturating_sub(2);
        let mut out: Vec<Expr> = (0..stack).map(|i| batch_var(nb - stack + i, &x.shape[i], &sizes.batch)).collect();
        out.extend(last);
        out
    };
    let row = m.into_iter().chain([k.clone()]).collect();
    let column = [k].into_iter().chain(n).collect();
    Ok(Contract {
        a: Expr::load(0, a, index(a, row)),
        b: Expr::load(1, b, index(b, column)),
        batch: sizes.batch.clone(),
        m: sizes.m.into_iter().collect(),
        n: sizes.n.into_iter().collect(),
        k: vec![sizes.k],
        acc: sum_type(y.dtype),
        dtype: y.dtype,
    })
}

/// Type in which sums of products of this element type are kept.
pub fn sum_type(dtype: DType) -> Ty {
    match Ty::of(dtype) {
        Ty::U64 => Ty::I64,
        ty => ty,
    }
}

fn batch_var(axis: usize, d: &Dim, batch: &[Dim]) -> Expr {
    let var = Expr::var(axis as u32);
    match &batch[axis] {
        _ if d.is_one() => Expr::int(0),
        out if out == d => var,
        _ => var.mul(&Expr::size(&(d.clone() - 1.into()).min_of(&1.into()))),
    }
}

/// Meaning of a product of stacks of matrices; `fa`, `fb` change each factor (identity, or minus a zero point).
pub fn eval_matmul(
    a: &Tensor,
    b: &Tensor,
    dtype: DType,
    fa: impl Fn(Num) -> Num,
    fb: impl Fn(Num) -> Num,
) -> Result<Tensor> {
    let (fact_a, fact_b) = (a.type_fact(), b.type_fact());
    let sizes = Matrices::of(&fact_a.shape, &fact_b.shape)?;
    let get = |d: &Dim| d.as_const().unwrap_or(0) as usize;
    let (m, k, n) = (sizes.m.as_ref().map_or(1, get), get(&sizes.k), sizes.n.as_ref().map_or(1, get));
    let batch: Vec<usize> = sizes.batch.iter().map(get).collect();
    let stack = |t: &Tensor| t.shape()[..t.rank().saturating_sub(2)].to_vec();
    let (stack_a, stack_b) = (stack(a), stack(b));
    let (a, b): (Vec<Num>, Vec<Num>) = (a.iter().map(fa).collect(), b.iter().map(fb).collect());
    let mut out = vec![];
    for_each_index(&batch, |idx| {
        let a = &a[broadcast_index(&stack_a, idx) * m * k..];
        let b = &b[broadcast_index(&stack_b, idx) * k * n..];
        for i in 0..m {
            for j in 0..n {
                out.push(dot(dtype, (0..k).map(|p| (a[i * k + p], b[p * n + j]))));
            }
        }
    });
    let shape: Vec<usize> = sizes.result().iter().map(get).collect();
    Ok(Tensor::new(dtype, &shape, out))
}

/// Sum of products, in f64 or, of integers, modulo 2^128, which no type of elements tells from the exact sum.
pub fn dot(dtype: DType, pairs: impl Iterator<Item = (Num, Num)>) -> Num {
    match dtype.is_float() {
        true => Num::F(pairs.map(|(a, b)| a.f() * b.f()).sum()),
        false => Num::I(pairs.fold(0i128, |sum, (a, b)| sum.wrapping_add(a.i().wrapping_mul(b.i())))),
    }
}

/// The elements as i32, less the zero point broadcast to them.
pub fn shift(x: &Tensor, zero: Option<&Tensor>) -> Result<Tensor> {
    let sub = |v: &[Num]| Num::I(v[0].i() - v.get(1).map_or(0, |z| z.i()));
    match zero {
        Some(z) => super::elementwise::eval(&[x, z], DType::I32, sub),
        None => super::elementwise::eval(&[x], DType::I32, sub),
    }
}

/// A factor of a product, a load of an element at `at`, less operand `slot`, the zero point `zero`. It broadcasts
/// against the matrix under shape `by`; `pick` gives its own index from the index under `by`.
pub fn shift_load(factor: &Expr, slot: usize, zero: &Fact, by: &[Dim], pick: impl Fn(&[Expr]) -> Vec<Expr>) -> Expr {
    let E::Load { index, .. } = &**factor else { return factor.clone() };
    let skip = index.len().saturating_sub(by.len());
    let clamp = |d: &Dim, i: &Expr| match d.as_const() {
        Some(1) => Expr::int(0),
        _ => i.min(&Expr::size(&(d.clone() - 1.into()))),
    };
    let at: Vec<Expr> = by.iter().zip(&index[skip..]).map(|(d, i)| clamp(d, i)).collect();
    factor.sub(&Expr::load(slot, zero, pick(&at)))
}
