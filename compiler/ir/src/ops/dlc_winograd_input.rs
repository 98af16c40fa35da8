//! `dlc.WinogradInput`: `v[b,a,n,s,t,c] = sum over i,j of B'[a,i] B'[b,j] x[n, c, tile*s + i, tile*t + j]`, `b` written as
//! two axes. Ours: the operand of a convolution of 3x3 by Winograd's minimal filtering, see [`Transform`].
//!
//! Operand: x[n, c, tile*s + 2, tile*t + 2], padded. Result: [size/2, 2, size, n, s, t, c] with size = tile + 2, or by rows
//! of tiles [n, s, size/2, 2, size, t, c].

use super::common::elementwise::sample_floats;
use super::common::winograd::{TAPS, Transform};
use crate::lower::{Comp, Expr, Lowering};
use crate::op::need;
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(InputAttrs {
    /// 1: images and rows of tiles are the first axes of the result.
    by_rows: i64 = 0,
    /// Results of a tile along each axis: 2, 4 or 6.
    tile: i64 = 4,
});

pub struct WinogradInput;

/// Where the axes b (two of them), a, n, s, t, c are in the result.
fn order(a: &InputAttrs) -> [usize; 7] {
    if a.by_rows == 0 { [0, 1, 2, 3, 4, 5, 6] } else { [2, 3, 4, 0, 1, 5, 6] }
}

/// Sizes or indices in the result's order.
fn in_order<T: Clone>(a: &InputAttrs, of: [T; 7]) -> Vec<T> {
    let mut out = of.to_vec();
    order(a).into_iter().zip(of).for_each(|(at, x)| out[at] = x);
    out
}

/// Number of tiles along an axis of the operand.
fn tiles(t: &Transform, size: &Dim) -> Result<Dim> {
    match size.as_const().map(|n| n - TAPS as i64 + 1) {
        Some(n) if n > 0 && n % t.tile as i64 == 0 => Ok((n / t.tile as i64).into()),
        _ => bail!("operand X has an axis of {size}, expected a multiple of {} and {} more", t.tile, TAPS - 1),
    }
}

impl Op for WinogradInput {
    fn name(&self) -> &'static str {
        "WinogradInput"
    }
    fn domain(&self) -> &'static str {
        "dlc"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        InputAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn constant_sizes(&self) -> &'static [usize] {
        &[0]
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (attrs, x) = (InputAttrs::read(c.attrs)?, need(x, 0, "X")?);
        let t = Transform::of(attrs.tile)?;
        ensure!(x.dtype == DType::F32 && x.rank() == 4, "operand X is {x}, expected f32[n,c,h,w]");
        let n = t.size() as i64;
        let [images, channels, h, w] = &x.shape[..] else { bail!("operand X is {x}, expected rank 4") };
        let (down, across) = (tiles(&t, h)?, tiles(&t, w)?);
        let shape = [(n / 2).into(), 2.into(), n.into(), images.clone(), down, across, channels.clone()];
        Ok(vec![Fact::new(DType::F32, in_order(&attrs, shape))])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (attrs, x) = (InputAttrs::read(c.attrs)?, need(x, 0, "X")?);
        let (t, at) = (Transform::of(attrs.tile)?, order(&attrs));
        let (n, m, data) = (t.input(), t.tile, x.to_f64());
        let [images, channels, h, w] = x.shape()[..] else { bail!("operand X has rank {}, expected 4", x.rank()) };
        let shape = in_order(&attrs, [t.size() / 2, 2, t.size(), images, (h - 2) / m, (w - 2) / m, channels]);
        let mut out = vec![];
        for_each_index(&shape, |y| {
            let v = at.map(|axis| y[axis]);
            let (b, a) = (&n[v[0] * 2 + v[1]], &n[v[2]]);
            let row = |i: usize| ((v[3] * channels + v[6]) * h + v[4] * m + i) * w + v[5] * m;
            let along = |i: usize| (0..t.size()).map(|j| b[j] * data[row(i) + j]).sum::<f64>();
            out.push(Num::F((0..t.size()).map(|i| a[i] * along(i)).sum()));
        });
        Ok(vec![Tensor::new(DType::F32, &shape, out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (attrs, x) = (InputAttrs::read(c.attrs)?, need(x, 0, "X")?);
        let t = Transform::of(attrs.tile)?;
        let (v, m) = (order(&attrs).map(|axis| Expr::var(axis as u32)), Expr::int(t.tile as i64));
        let at = |tile: usize, i: usize| v[tile].mul(&m).add(&Expr::int(i as i64));
        let along = |i: usize| {
            let load = |j: usize| Expr::load(0, x, vec![v[3].clone(), v[6].clone(), at(4, i), at(5, j)]);
            let rows = t.input_of(&(0..t.size()).map(load).collect::<Vec<_>>());
            v[0].pick(rows.chunks(2).map(|pair| v[1].pick(pair.to_vec())).collect())
        };
        let rows = t.input_of(&(0..t.size()).map(along).collect::<Vec<_>>());
        Ok(Lowering::Comps(vec![Comp::new(&y[0], v[2].pick(rows))]))
    }
    fn samples(&self) -> Vec<Sample> {
        let s = |tile: i64, by_rows: i64, shape: &[usize]| {
            let attrs = Attrs::new().with("tile", tile).with("by_rows", by_rows);
            Sample::new(attrs, vec![sample_floats(shape, 1)])
        };
        vec![
            s(2, 0, &[1, 2, 4, 6]),
            s(4, 0, &[2, 3, 6, 10]),
            s(6, 0, &[1, 1, 14, 8]),
            s(4, 0, &[1, 17, 10, 6]),
            s(2, 1, &[2, 17, 6, 4]),
            s(4, 1, &[2, 3, 6, 10]),
        ]
    }
}
