//! `dlc.WinogradInput`: `v[b,a,n,s,t,c] = sum over i,j of B'[a,i] B'[b,j] x[n, c, tile*s + i, tile*t + j]`, `b` written as
//! two axes. Ours: the operand of a convolution of 3x3 by Winograd's minimal filtering, see [`Transform`].
//!
//! Operand: x[n, c, tile*s + 2, tile*t + 2], padded. Result: [size/2, 2, size, n, s, t, c] with size = tile + 2.

use super::common::elementwise::sample_floats;
use super::common::winograd::{TAPS, Transform, WinogradAttrs};
use crate::lower::{Comp, Expr, Lowering};
use crate::op::need;
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Num, Op, Result, Sample, Tensor, bail, ensure};

pub struct WinogradInput;

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
        WinogradAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn constant_sizes(&self) -> &'static [usize] {
        &[0]
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (t, x) = (Transform::of(&WinogradAttrs::read(c.attrs)?)?, need(x, 0, "X")?);
        ensure!(x.dtype == DType::F32 && x.rank() == 4, "operand X is {x}, expected f32[n,c,h,w]");
        let n = t.size() as i64;
        let ends = [x.shape[0].clone(), tiles(&t, &x.shape[2])?, tiles(&t, &x.shape[3])?, x.shape[1].clone()];
        let shape: Vec<Dim> = [n / 2, 2, n].into_iter().map(Dim::from).chain(ends).collect();
        Ok(vec![Fact::new(DType::F32, shape)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (t, x) = (Transform::of(&WinogradAttrs::read(c.attrs)?)?, need(x, 0, "X")?);
        let (n, m, data) = (t.input(), t.tile, x.to_f64());
        let [images, channels, h, w] = x.shape()[..] else { bail!("operand X has rank {}, expected 4", x.rank()) };
        let shape = [t.size() / 2, 2, t.size(), images, (h - 2) / m, (w - 2) / m, channels];
        let mut out = vec![];
        for_each_index(&shape, |v| {
            let (b, a) = (&n[v[0] * 2 + v[1]], &n[v[2]]);
            let row = |i: usize| ((v[3] * channels + v[6]) * h + v[4] * m + i) * w + v[5] * m;
            let along = |i: usize| (0..t.size()).map(|j| b[j] * data[row(i) + j]).sum::<f64>();
            out.push(Num::F((0..t.size()).map(|i| a[i] * along(i)).sum()));
        });
        Ok(vec![Tensor::new(DType::F32, &shape, out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (t, x) = (Transform::of(&WinogradAttrs::read(c.attrs)?)?, need(x, 0, "X")?);
        let (v, m) = (Expr::vars(7), Expr::int(t.tile as i64));
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
        let s =
            |tile: i64, shape: &[usize]| Sample::new(Attrs::new().with("tile", tile), vec![sample_floats(shape, 1)]);
        vec![s(2, &[1, 2, 4, 6]), s(4, &[2, 3, 6, 10]), s(6, &[1, 1, 14, 8]), s(4, &[1, 17, 10, 6])]
    }
}
