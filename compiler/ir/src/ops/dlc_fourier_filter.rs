//! `dlc.FourierFilter`: `f[g,k,2q,l] + i f[g,k,2q+1,l] = sum over i,j of w[g*lanes + l, 0, i, j] exp(2 pi i (i q / rows + j k /
//! columns)) / (2 rows columns)`. Ours: the filters of a convolution with one for each channel, for convolutions by spectra:
//! conjugates, because it is no convolution but a correlation, and divided by what the transforms multiply with.
//!
//! Operand: w[c, 1, h, w]. Result: f32[c/lanes, columns/2 + 1, 2 * rows, lanes]: see [`fourier`].

use super::common::elementwise::sample_floats;
use super::common::fourier::{self, Spectrum};
use super::common::spectrum::turned_expr;
use crate::lower::{Comp, Expr, Lowering, Monoid, Ty};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(FilterAttrs {
    /// Columns of a tile: an even number.
    columns: i64 = 2,
    /// Rows of a tile.
    rows: i64 = 1,
});

pub struct FourierFilter;

/// Refuses filters that have no such spectra.
pub(super) fn check(a: &FilterAttrs, w: &Fact) -> Result<()> {
    ensure!(w.rank() == 4 && w.dtype == DType::F32, "operand W is {w}, expected f32[o,c,h,w]");
    for (name, size, taps) in [("rows", a.rows, &w.shape[2]), ("columns", a.columns, &w.shape[3])] {
        let fits = size <= fourier::LONGEST && taps.as_const().is_some_and(|n| n > 0 && n <= size);
        ensure!(fits, "{name} is {size}, expected as many as the {taps} taps or more, up to {}", fourier::LONGEST);
    }
    ensure!(a.columns % 2 == 0, "columns is {}, expected an even number", a.columns);
    Ok(())
}

impl Op for FourierFilter {
    fn name(&self) -> &'static str {
        "FourierFilter"
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
        let (a, w) = (FilterAttrs::read(c.attrs)?, need(x, 0, "W")?);
        check(&a, w)?;
        ensure!(w.shape[1].is_one(), "operand W is {w}, expected f32[c,1,h,w]");
        let [groups, lanes] = fourier::groups(&w.shape[0])?;
        Ok(vec![Fact::new(DType::F32, [groups, (a.columns / 2 + 1).into(), (2 * a.rows).into(), lanes])])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (a, w) = (FilterAttrs::read(c.attrs)?, need(x, 0, "W")?);
        let [channels, _, h, width] = w.shape()[..] else { bail!("operand W has rank {}, expected 4", w.rank()) };
        let (s, data) = (Spectrum::new([h, width], [a.rows as usize, a.columns as usize]), w.to_f64());
        let (half, rows) = (a.columns as usize / 2 + 1, a.rows as usize);
        let lanes = fourier::lanes(channels as i64) as usize;
        let mut out = vec![0.0; channels * half * 2 * rows];
        for (c, taps) in data.chunks(h * width).enumerate() {
            s.each(taps, &mut |k, q, (re, im)| {
                let at = ((c / lanes * half + k) * 2 * rows + 2 * q) * lanes + c % lanes;
                (out[at], out[at + lanes]) = (re, im);
            });
        }
        Ok(vec![Tensor::floats(DType::F32, &[channels / lanes, half, 2 * rows, lanes], &out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (a, w) = (FilterAttrs::read(c.attrs)?, need(x, 0, "W")?);
        let (v, [i, j], two) = (Expr::vars(4), [Expr::var(4), Expr::var(5)], Expr::int(2));
        let channel = v[0].mul(&Expr::size(&y[0].shape[3])).add(&v[3]);
        let tap = Expr::load(0, w, vec![channel, Expr::int(0), i.clone(), j.clone()]).cast(Ty::F64);
        let z = (tap, Expr::num(Ty::F64, 0.0));
        let z = turned_expr(z, &v[2].div(&two), &i, &Dim::from(a.rows), 1.0);
        let (re, im) = turned_expr(z, &v[1], &j, &Dim::from(a.columns), 1.0);
        let part = v[2].rem(&two).eq(&Expr::int(0)).select(&re, &im);
        let sum = Expr::reduce(Monoid::Sum, vec![(4, w.shape[2].clone()), (5, w.shape[3].clone())], part);
        let scale = Expr::num(Ty::F64, 1.0 / (2 * a.rows * a.columns) as f64);
        Ok(Lowering::Comps(vec![Comp::new(&y[0], sum.mul(&scale).cast(Ty::F32))]))
    }
    fn samples(&self) -> Vec<Sample> {
        let s = |rows: i64, columns: i64, shape: &[usize]| {
            let attrs = Attrs::new().with("rows", rows).with("columns", columns);
            Sample::new(attrs, vec![sample_floats(shape, 1)])
        };
        vec![s(5, 6, &[3, 1, 3, 5]), s(8, 8, &[32, 1, 4, 3]), s(1, 4, &[2, 1, 1, 3])]
    }
}
