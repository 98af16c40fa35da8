//! `dlc.FourierImage`: `y[n,c,h,w] = sum over all k of r[n, c/lanes, w/step, h/rows, k, h mod rows, c mod lanes] exp(2 pi i (w mod
//! step - begin) k / size)`. Ours: the rows of a convolution by spectra, transformed back: see [`fourier`].
//!
//! Operand: r[n, g, t, s, k, 2 * rows, lanes], as [`super::dlc_fourier_product`] gives it: of frequencies up to the middle one, the
//! others are their conjugates. Result: f32[n, g * lanes, height, width], as many as the tiles have or less.
//!
//! [`fourier`]: super::common::fourier

use super::common::elementwise::sample_floats;
use super::common::fourier::{Complex, Writer};
use super::common::spectrum::turned;
use crate::lower::{Comp, Expr, Lowering};
use crate::op::need;
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(ImageAttrs {
    /// Columns of results that are before the first element of a tile.
    begin: i64 = 0,
    /// Rows of the result.
    height: i64 = 1,
    /// Columns of results of a tile.
    step: i64 = 1,
    /// Columns of the result.
    width: i64 = 1,
});

pub struct FourierImage;

/// Elements of a tile along a row.
fn size(frequencies: &Dim) -> i64 {
    2 * (frequencies.as_const().unwrap_or(1) - 1)
}

impl Op for FourierImage {
    fn name(&self) -> &'static str {
        "FourierImage"
    }
    fn domain(&self) -> &'static str {
        "dlc"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        ImageAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn constant_sizes(&self) -> &'static [usize] {
        &[0]
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (a, x) = (ImageAttrs::read(c.attrs)?, need(x, 0, "R")?);
        ensure!(x.dtype == DType::F32 && x.rank() == 7, "operand R is {x}, expected f32[n,g,t,s,k,2o,l]");
        let size = size(&x.shape[4]);
        let inside = (0..size).contains(&a.begin) && a.step > 0 && a.step <= size;
        ensure!(inside, "begin is {} and step {}, expected numbers within a tile of {size}", a.begin, a.step);
        let rows = x.shape[5].as_const().unwrap_or(0) / 2;
        for (name, size, tiles, step) in
            [("height", a.height, &x.shape[3], rows), ("width", a.width, &x.shape[2], a.step)]
        {
            let fits = tiles.as_const().is_some_and(|n| size > (n - 1) * step && size <= n * step);
            ensure!(fits, "attribute {name} is {size}, expected what {tiles} tiles of {step} have");
        }
        let channels = x.shape[1].clone() * x.shape[6].clone();
        Ok(vec![Fact::new(DType::F32, [x.shape[0].clone(), channels, a.height.into(), a.width.into()])])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (a, x) = (ImageAttrs::read(c.attrs)?, need(x, 0, "R")?);
        let (lanes, rows, half, step) = (x.shape()[6], x.shape()[5] / 2, x.shape()[4] - 1, a.step as usize);
        let shape = [x.shape()[0], x.shape()[1] * lanes, a.height as usize, a.width as usize];
        let (strides, data) = (x.strides(), x.to_f64());
        let mut out = vec![];
        for_each_index(&shape, |y| {
            let index = [y[0], y[1] / lanes, y[3] / step, y[2] / rows, 0, y[2] % rows * 2, y[1] % lanes];
            let at: usize = index.iter().zip(&strides).map(|(i, s)| i * s).sum();
            let place = y[3] % step + 2 * half - a.begin as usize;
            let term = |k: usize| {
                let at = at + k * strides[4];
                let (re, _) = turned((data[at], data[at + strides[5]]), place, k, 2 * half, 1.0);
                if k == 0 || k == half { re } else { 2.0 * re }
            };
            out.push(Num::F((0..=half).map(term).sum()));
        });
        Ok(vec![Tensor::new(DType::F32, &shape, out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (a, x) = (ImageAttrs::read(c.attrs)?, need(x, 0, "R")?);
        let (v, size, half) = (Expr::vars(4), size(&x.shape[4]), size(&x.shape[4]) / 2);
        // An index as one of tiles and one within a tile.
        let cut = |i: &Expr, tiles: &Dim, of: &Expr| match tiles.is_one() {
            true => (Expr::int(0), i.clone()),
            false => (i.div(of), i.rem(of)),
        };
        let (g, l) = cut(&v[1], &x.shape[1], &Expr::size(&x.shape[6]));
        let (s, row) = cut(&v[2], &x.shape[3], &Expr::size(&x.shape[5].div(&2.into())));
        let (t, column) = cut(&v[3], &x.shape[2], &Expr::int(a.step));
        let part = |k: i64, p: i64| {
            let row = row.mul(&Expr::int(2)).add(&Expr::int(p));
            Expr::load(0, x, vec![v[0].clone(), g.clone(), t.clone(), s.clone(), Expr::int(k), row, l.clone()])
        };
        let frequency = |k: i64| match k == 0 || k == half {
            true => Complex::real(Some(part(k, 0))),
            false => Complex::new(part(k, 0), part(k, 1)),
        };
        let reals = Writer::new(true).to_reals(&(0..=half).map(frequency).collect::<Vec<_>>());
        let kept = (0..a.step.min(a.width)).map(|o| reals[((o + size - a.begin) % size) as usize].clone());
        Ok(Lowering::Comps(vec![Comp::new(&y[0], column.pick(kept.collect()))]))
    }
    fn samples(&self) -> Vec<Sample> {
        let s = |begin: i64, step: i64, [height, width]: [i64; 2], shape: &[usize]| {
            let attrs = Attrs::new().with("begin", begin).with("step", step);
            Sample::new(attrs.with("height", height).with("width", width), vec![sample_floats(shape, 1)])
        };
        vec![
            s(2, 3, [3, 5], &[1, 2, 2, 2, 4, 4, 3]),
            s(0, 8, [4, 7], &[2, 1, 1, 1, 5, 8, 16]),
            s(5, 6, [2, 6], &[1, 2, 1, 1, 7, 4, 16]),
        ]
    }
}
