//! `dlc.FourierColumns`: `c[n,g,t,s,k,q] = sum over j of r[n,g,t,step*s + j,k] exp(-2 pi i j q / size)` of complex numbers. Ours:
//! what rows of tiles became, transformed along columns, for convolutions by spectra: see [`fourier`].
//!
//! Operand: r[n, g, t, h, 2k, lanes], as [`super::dlc_fourier_rows`] gives it. Result: f32[n, g, t, tiles, k, 2 * size, lanes]. What
//! is beyond the last row is 0.

use super::common::elementwise::sample_floats;
use super::common::fourier::{self, Complex, Writer};
use super::common::spectrum::turned;
use crate::lower::{Comp, Expr, Lowering};
use crate::op::need;
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(ColumnsAttrs {
    /// Elements of a tile along a column.
    size: i64 = 1,
    /// Elements from the start of a tile to that of the next.
    step: i64 = 1,
});

pub struct FourierColumns;

impl Op for FourierColumns {
    fn name(&self) -> &'static str {
        "FourierColumns"
    }
    fn domain(&self) -> &'static str {
        "dlc"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        ColumnsAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn constant_sizes(&self) -> &'static [usize] {
        &[0]
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (a, x) = (ColumnsAttrs::read(c.attrs)?, need(x, 0, "R")?);
        ensure!(x.dtype == DType::F32 && x.rank() == 6, "operand R is {x}, expected f32[n,g,t,h,2k,l]");
        let tiles = fourier::tiles(&x.shape[3], a.size, a.step)?;
        let shape = [&x.shape[..3], &[tiles.into(), x.shape[4].div(&2.into()), (2 * a.size).into()], &x.shape[5..]];
        Ok(vec![Fact::new(DType::F32, shape.concat())])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let a = ColumnsAttrs::read(c.attrs)?;
        let shape = self.infer(c, &[Some(&need(x, 0, "R")?.type_fact())])?[0].const_shape().unwrap_or_default();
        let x = need(x, 0, "R")?;
        let (size, strides, data) = (a.size as usize, x.strides(), x.to_f64());
        let mut out = vec![];
        for_each_index(&shape, |y| {
            let first = y[3] * a.step as usize;
            let at = y[0] * strides[0] + y[1] * strides[1] + y[2] * strides[2] + 2 * y[4] * strides[4] + y[6];
            let term = |j: usize| {
                let at = at + (first + j) * strides[3];
                turned((data[at], data[at + strides[4]]), y[5] / 2, j, size, -1.0)
            };
            let terms = (0..size.min(x.shape()[3] - first)).map(term);
            out.push(Num::F(terms.map(|z| if y[5] % 2 == 0 { z.0 } else { z.1 }).sum()));
        });
        Ok(vec![Tensor::new(DType::F32, &shape, out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (a, x) = (ColumnsAttrs::read(c.attrs)?, need(x, 0, "R")?);
        let v = Expr::vars(7);
        let one = y[0].shape[3].is_one();
        let element = |j: i64| {
            let at = if one { Expr::int(j) } else { v[3].mul(&Expr::int(a.step)).add(&Expr::int(j)) };
            let part = |p: i64| {
                let part = v[4].mul(&Expr::int(2)).add(&Expr::int(p));
                Expr::load(0, x, vec![v[0].clone(), v[1].clone(), v[2].clone(), at.clone(), part, v[6].clone()])
            };
            let inside = x.shape[3].as_const().is_some_and(|h| j < h);
            if inside { Complex::new(part(0), part(1)) } else { Complex::ZERO }
        };
        let mut w = Writer::new(false);
        let z = w.transform(&(0..a.size).map(element).collect::<Vec<_>>());
        let all = z.iter().flat_map(|z| w.exprs(z)).collect();
        Ok(Lowering::Comps(vec![Comp::new(&y[0], v[5].pick(all))]))
    }
    fn samples(&self) -> Vec<Sample> {
        let s = |size: i64, step: i64, shape: &[usize]| {
            let attrs = Attrs::new().with("size", size).with("step", step);
            Sample::new(attrs, vec![sample_floats(shape, 1)])
        };
        vec![s(6, 2, &[1, 2, 1, 8, 4, 3]), s(8, 8, &[2, 1, 2, 5, 2, 16]), s(5, 1, &[1, 1, 1, 5, 2, 2])]
    }
}
