//! `dlc.WinogradFilter`: `u[b*size + a, c, k] = sum over i,j of G[a,i] G[b,j] w[k,c,i,j]`. Ours: the filters of a convolution of
//! 3x3 for Winograd's minimal filtering, see [`Transform`].
//!
//! Operand: w[k, c, 3, 3]. Result: f32[size * size, c, k] with size = tile + 2.

use super::common::elementwise::sample_floats;
use super::common::winograd::{TAPS, Transform};
use crate::lower::{Comp, Expr, Lowering, Ty};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(FilterAttrs {
    /// Results of a tile along each axis: 2, 4 or 6.
    tile: i64 = 4,
});

pub struct WinogradFilter;

fn transform(c: &Ctx) -> Result<Transform> {
    Transform::of(FilterAttrs::read(c.attrs)?.tile)
}

impl Op for WinogradFilter {
    fn name(&self) -> &'static str {
        "WinogradFilter"
    }
    fn domain(&self) -> &'static str {
        "dlc"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        FilterAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn constant_sizes(&self) -> &'static [usize] {
        &[0]
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (t, w) = (transform(c)?, need(x, 0, "W")?);
        let square = w.rank() == 4 && w.shape[2..].iter().all(|d| d.as_const() == Some(TAPS as i64));
        ensure!(square && w.dtype == DType::F32, "operand W is {w}, expected f32[k,c,3,3]");
        let products = Dim::from(t.size() * t.size());
        Ok(vec![Fact::new(DType::F32, [products, w.shape[1].clone(), w.shape[0].clone()])])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (t, w) = (transform(c)?, need(x, 0, "W")?);
        let [filters, channels, ..] = w.shape()[..] else { bail!("operand W has rank {}, expected 4", w.rank()) };
        let (g, n, w) = (t.filter(), t.size(), w.to_f64());
        let mut out = vec![0.0; n * n * channels * filters];
        for (k, c) in (0..channels).flat_map(|c| (0..filters).map(move |k| (k, c))) {
            let taps = &w[(k * channels + c) * TAPS * TAPS..][..TAPS * TAPS];
            for b in 0..n {
                let along: Vec<f64> = taps.chunks(TAPS).map(|row| (0..TAPS).map(|j| g[b][j] * row[j]).sum()).collect();
                for a in 0..n {
                    let sum: f64 = (0..TAPS).map(|i| g[a][i] * along[i]).sum();
                    out[((b * n + a) * channels + c) * filters + k] = sum;
                }
            }
        }
        Ok(vec![Tensor::floats(DType::F32, &[n * n, channels, filters], &out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (t, w) = (transform(c)?, need(x, 0, "W")?);
        let (v, n) = (Expr::vars(3), Expr::int(t.size() as i64));
        let row = |at: &Expr, x: &[Expr]| {
            let sum =
                |g: &Vec<f64>| g.iter().zip(x).fold(Expr::num(Ty::F32, 0.0), |s, (g, x)| s.add(&x.mul(&x.like(*g))));
            at.pick(t.filter().iter().map(sum).collect())
        };
        let load = |i: usize, j: usize| {
            Expr::load(0, w, vec![v[2].clone(), v[1].clone(), Expr::int(i as i64), Expr::int(j as i64)])
        };
        let along = |i: usize| row(&v[0].div(&n), &(0..TAPS).map(|j| load(i, j)).collect::<Vec<_>>());
        let all = row(&v[0].rem(&n), &(0..TAPS).map(along).collect::<Vec<_>>());
        Ok(Lowering::Comps(vec![Comp::new(&y[0], all)]))
    }
    fn samples(&self) -> Vec<Sample> {
        let s =
            |tile: i64, shape: &[usize]| Sample::new(Attrs::new().with("tile", tile), vec![sample_floats(shape, 1)]);
        vec![s(2, &[2, 3, 3, 3]), s(4, &[3, 1, 3, 3]), s(6, &[1, 2, 3, 3])]
    }
}
