//! `dlc.FourierProduct`: `r[n,g,t,s,k,o] = sum over q of c[n,g,t,s,k,q] f[g,k,q] exp(2 pi i (o - begin) q / size)` of complex
//! numbers. Ours: spectra times those of filters, transformed back along columns, for convolutions by spectra: see [`fourier`].
//!
//! Operands: c[n, g, t, s, k, 2 * size, lanes], as [`super::dlc_fourier_columns`] gives it; f[g, k, 2 * size, lanes]. Result: f32[n, g,
//! t, s, k, 2 * rows, lanes].
//!
//! [`fourier`]: super::common::fourier

use super::common::elementwise::sample_floats;
use super::common::fourier::{Complex, Writer};
use super::common::spectrum::turned;
use crate::lower::{Comp, Expr, Lowering};
use crate::op::need;
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(ProductAttrs {
    /// Rows of results that are before the first element of a tile.
    begin: i64 = 0,
    /// Rows of results of a tile.
    rows: i64 = 1,
});

pub struct FourierProduct;

impl Op for FourierProduct {
    fn name(&self) -> &'static str {
        "FourierProduct"
    }
    fn domain(&self) -> &'static str {
        "dlc"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        ProductAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn constant_sizes(&self) -> &'static [usize] {
        &[0, 1]
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (a, x, f) = (ProductAttrs::read(c.attrs)?, need(x, 0, "C")?, need(x, 1, "F")?);
        ensure!(x.dtype == DType::F32 && x.rank() == 7, "operand C is {x}, expected f32[n,g,t,s,k,2q,l]");
        let want = [&x.shape[1..2], &x.shape[4..]].concat();
        ensure!(
            f.dtype == DType::F32 && f.shape[..] == want[..],
            "operand F is {f}, expected the spectra of filters of {x}"
        );
        let size = x.shape[5].as_const().unwrap_or(0) / 2;
        let inside = (0..size).contains(&a.begin) && a.rows > 0 && a.rows <= size;
        ensure!(inside, "begin is {} and rows {}, expected numbers within a tile of {size}", a.begin, a.rows);
        Ok(vec![Fact::new(DType::F32, [&x.shape[..5], &[(2 * a.rows).into()], &x.shape[6..]].concat())])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (a, x, f) = (ProductAttrs::read(c.attrs)?, need(x, 0, "C")?, need(x, 1, "F")?);
        let (size, lanes) = (x.shape()[5] / 2, x.shape()[6]);
        let shape = [&x.shape()[..5], &[2 * a.rows as usize, lanes]].concat();
        let (strides, filter_strides, data, filters) = (x.strides(), f.strides(), x.to_f64(), f.to_f64());
        let mut out = vec![];
        for_each_index(&shape, |y| {
            let at: usize = y[..5].iter().zip(&strides).map(|(i, s)| i * s).sum();
            let filter = y[1] * filter_strides[0] + y[4] * filter_strides[1];
            let place = y[5] / 2 + size - a.begin as usize;
            let term = |q: usize| {
                let [re, im] = [2 * q, 2 * q + 1].map(|i| i * lanes + y[6]);
                let (z, w) = ((data[at + re], data[at + im]), (filters[filter + re], filters[filter + im]));
                let product = (z.0 * w.0 - z.1 * w.1, z.0 * w.1 + z.1 * w.0);
                turned(product, place, q, size, 1.0)
            };
            out.push(Num::F((0..size).map(term).map(|z| if y[5] % 2 == 0 { z.0 } else { z.1 }).sum()));
        });
        Ok(vec![Tensor::new(DType::F32, &shape, out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (a, x, f) = (ProductAttrs::read(c.attrs)?, need(x, 0, "C")?, need(x, 1, "F")?);
        let (v, size) = (Expr::vars(7), x.shape[5].as_const().unwrap_or(0) / 2);
        let product = |q: i64| {
            let [z, w] = [0, 1].map(|slot| {
                [2 * q, 2 * q + 1].map(|at| match slot {
                    0 => Expr::load(0, x, [&v[..5], &[Expr::int(at)], &v[6..]].concat()),
                    _ => Expr::load(1, f, vec![v[1].clone(), v[4].clone(), Expr::int(at), v[6].clone()]),
                })
            });
            let re = z[0].mul(&w[0]).sub(&z[1].mul(&w[1]));
            Complex::new(re, z[0].mul(&w[1]).add(&z[1].mul(&w[0])))
        };
        let mut w = Writer::new(true);
        let z = w.transform(&(0..size).map(product).collect::<Vec<_>>());
        let kept = (0..a.rows).map(|o| &z[((o + size - a.begin) % size) as usize]);
        let all = kept.flat_map(|z| w.exprs(z)).collect();
        Ok(Lowering::Comps(vec![Comp::new(&y[0], v[5].pick(all))]))
    }
    fn samples(&self) -> Vec<Sample> {
        let s = |begin: i64, rows: i64, shape: &[usize]| {
            let attrs = Attrs::new().with("begin", begin).with("rows", rows);
            let filters = [&shape[1..2], &shape[4..]].concat();
            Sample::new(attrs, vec![sample_floats(shape, 1), sample_floats(&filters, 2)])
        };
        vec![s(2, 4, &[1, 2, 1, 2, 2, 12, 3]), s(0, 8, &[2, 1, 1, 1, 3, 16, 16]), s(1, 2, &[1, 1, 2, 1, 1, 10, 2])]
    }
}
