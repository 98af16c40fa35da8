//! `dlc.FourierRows`: `r[n,g,t,h,2k,l] + i r[n,g,t,h,2k+1,l] = 2 sum over j of x[n, g*lanes + l, h, step*t + j] exp(-2 pi i j k /
//! size)`. Ours: the rows of the tiles of an image, transformed, for convolutions by spectra: see [`fourier`].
//!
//! Operand: x[n,c,h,w]. Result: f32[n, c/lanes, tiles, h, size + 2, lanes]: frequencies up to the middle one. What is beyond the
//! image is 0.

use super::common::elementwise::sample_floats;
use super::common::fourier::{self, Complex, Writer};
use super::common::spectrum::turned;
use crate::lower::{Comp, Expr, Lowering};
use crate::op::need;
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(RowsAttrs {
    /// Elements of a tile along a row: an even number.
    size: i64 = 2,
    /// Elements from the start of a tile to that of the next.
    step: i64 = 1,
});

pub struct FourierRows;

impl Op for FourierRows {
    fn name(&self) -> &'static str {
        "FourierRows"
    }
    fn domain(&self) -> &'static str {
        "dlc"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        RowsAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn constant_sizes(&self) -> &'static [usize] {
        &[0]
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (a, x) = (RowsAttrs::read(c.attrs)?, need(x, 0, "X")?);
        ensure!(x.dtype == DType::F32 && x.rank() == 4, "operand X is {x}, expected f32[n,c,h,w]");
        ensure!(a.size % 2 == 0, "size is {}, expected an even number", a.size);
        let tiles = fourier::tiles(&x.shape[3], a.size, a.step)?;
        let [groups, lanes] = fourier::groups(&x.shape[1])?;
        let shape = [x.shape[0].clone(), groups, tiles.into(), x.shape[2].clone(), (a.size + 2).into(), lanes];
        Ok(vec![Fact::new(DType::F32, shape)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let a = RowsAttrs::read(c.attrs)?;
        let shape = self.infer(c, &[Some(&need(x, 0, "X")?.type_fact())])?[0].const_shape().unwrap_or_default();
        let (x, data) = (need(x, 0, "X")?, need(x, 0, "X")?.to_f64());
        let (size, w, lanes) = (a.size as usize, x.shape()[3], shape[5]);
        let mut out = vec![];
        for_each_index(&shape, |y| {
            let row = ((y[0] * x.shape()[1] + y[1] * lanes + y[5]) * x.shape()[2] + y[3]) * w;
            let first = y[2] * a.step as usize;
            let term = |j: usize| turned((data[row + first + j], 0.0), y[4] / 2, j, size, -1.0);
            let terms = (0..size.min(w - first)).map(term);
            let sum: f64 = terms.map(|z| if y[4] % 2 == 0 { z.0 } else { z.1 }).sum();
            out.push(Num::F(2.0 * sum));
        });
        Ok(vec![Tensor::new(DType::F32, &shape, out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (a, x) = (RowsAttrs::read(c.attrs)?, need(x, 0, "X")?);
        let (v, lanes) = (Expr::vars(6), &y[0].shape[5]);
        let channel = if y[0].shape[1].is_one() { v[5].clone() } else { v[1].mul(&Expr::size(lanes)).add(&v[5]) };
        let one = y[0].shape[2].is_one();
        let row = |j: i64| {
            let at = if one { Expr::int(j) } else { v[2].mul(&Expr::int(a.step)).add(&Expr::int(j)) };
            let inside = x.shape[3].as_const().is_some_and(|w| j < w);
            inside.then(|| Expr::load(0, x, vec![v[0].clone(), channel.clone(), v[3].clone(), at]))
        };
        let mut w = Writer::new(false);
        let z: Vec<Complex> = w.of_reals(&(0..a.size).map(row).collect::<Vec<_>>());
        let all = z.iter().flat_map(|z| w.exprs(z)).collect();
        Ok(Lowering::Comps(vec![Comp::new(&y[0], v[4].pick(all))]))
    }
    fn samples(&self) -> Vec<Sample> {
        let s = |size: i64, step: i64, shape: &[usize]| {
            let attrs = Attrs::new().with("size", size).with("step", step);
            Sample::new(attrs, vec![sample_floats(shape, 1)])
        };
        vec![s(6, 2, &[1, 3, 2, 10]), s(8, 8, &[2, 32, 3, 5]), s(12, 1, &[1, 2, 1, 12]), s(4, 3, &[1, 16, 2, 7])]
    }
}
