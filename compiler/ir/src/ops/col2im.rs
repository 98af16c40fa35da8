//! `Col2Im`: sums blocks back into an image. <https://onnx.ai/onnx/operators/onnx__Col2Im.html>

use super::common::elementwise::sample_floats;
use super::common::movement::{const_ints, dynamic, element, ints, vector_len};
use super::common::window::Window;
use crate::lower::{Comp, Expr, Lowering, Monoid};
use crate::op::need;
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, bail, dim, ensure};

attrs!(Col2ImAttrs {
    /// Step between taps of a block; empty is 1.
    dilations: Vec<i64> = vec![],
    /// Padding of the image, begins then ends; empty is 0.
    pads: Vec<i64> = vec![],
    /// Step between blocks; empty is 1.
    strides: Vec<i64> = vec![],
});

pub struct Col2Im;

/// The window, the number of blocks along each axis and the number of taps.
struct Blocks {
    window: Window,
    count: Vec<Dim>,
    taps: i64,
}

fn blocks(c: &Ctx, image: &[Dim], block: &[i64]) -> Result<Blocks> {
    let a = Col2ImAttrs::read(c.attrs)?;
    ensure!(block.iter().all(|d| *d > 0), "block_shape is {block:?}, expected positive sizes");
    let kernel: Vec<Dim> = block.iter().map(|d| (*d).into()).collect();
    let window = Window::new(image, &kernel, &a.strides, &a.dilations, &a.pads, "NOTSET")?;
    let count = window.output(image, false);
    let Some(taps) = block.iter().try_fold(1i64, |p, d| p.checked_mul(*d)) else { bail!("block_shape is {block:?}") };
    Ok(Blocks { window, count, taps })
}

fn of_facts(c: &Ctx, x: &[Option<&Fact>]) -> Result<(Vec<Dim>, Blocks)> {
    let n = vector_len(x, 1, "image_shape")?;
    let image = need(x, 1, "image_shape")?.as_dims().unwrap_or_else(|| (0..n).map(|k| c.fresh(k)).collect());
    need(x, 2, "block_shape")?;
    let block = const_ints(x, 2, "block_shape")?.unwrap_or_default();
    ensure!(block.len() == n, "block_shape has {} elements, expected {n}", block.len());
    let b = blocks(c, &image, &block)?;
    Ok((image, b))
}

impl Op for Col2Im {
    fn name(&self) -> &'static str {
        "Col2Im"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        Col2ImAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(3)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x0 = need(x, 0, "input")?;
        ensure!(x0.rank() == 3, "operand input is {x0}, expected rank 3");
        let (image, b) = of_facts(c, x)?;
        let rows = &x0.shape[1];
        ensure!(
            rows.as_const().is_none_or(|r| r % b.taps == 0),
            "input has {rows} rows, expected a multiple of {}",
            b.taps
        );
        let (want, have) = (dim::product(&b.count), &x0.shape[2]);
        let fits = want.as_const().zip(have.as_const()).is_none_or(|(a, b)| a == b);
        ensure!(fits, "input has {have} columns, expected {want} blocks");
        let channels = rows.div(&b.taps.into());
        Ok(vec![Fact::new(x0.dtype, [x0.shape[0].clone(), channels].into_iter().chain(image))])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (data, image, block) = (need(x, 0, "input")?, need(x, 1, "image_shape")?, need(x, 2, "block_shape")?);
        let (image, block) = (image.to_i64(), block.to_i64());
        let b = blocks(c, &image.iter().map(|d| (*d).into()).collect::<Vec<_>>(), &block)?;
        let count: Vec<usize> = super::common::movement::sizes(&b.count);
        let (n, channels) = (data.shape()[0], data.shape()[1] / b.taps as usize);
        let shape: Vec<usize> = [n, channels].into_iter().chain(image.iter().map(|d| *d as usize)).collect();
        let plane: usize = shape[2..].iter().product();
        let mut out = vec![0.0; n * channels * plane];
        let kernel: Vec<usize> = block.iter().map(|d| *d as usize).collect();
        let (mut tap, taps, columns) = (0, b.taps as usize, data.shape()[2]);
        for_each_index(&kernel, |k| {
            let mut column = 0;
            for_each_index(&count, |o| {
                let mut to = Some(0);
                for i in 0..k.len() {
                    let begin = b.window.begin[i].as_const().unwrap_or(0);
                    let p = o[i] as i64 * b.window.strides[i] + k[i] as i64 * b.window.dilations[i] - begin;
                    to = to.filter(|_| p >= 0 && p < image[i]).map(|t| t * image[i] as usize + p as usize);
                }
                for nc in 0..n * channels {
                    if let Some(to) = to {
                        out[nc * plane + to] += data.at((nc * taps + tap) * columns + column).f();
                    }
                }
                column += 1;
            });
            tap += 1;
        });
        let store = |v: f64| if data.dtype().is_float() { Num::F(v) } else { Num::I(v as i128) };
        Ok(vec![Tensor::new(data.dtype(), &shape, out.into_iter().map(store))])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (data, image) = (need(x, 0, "input")?, need(x, 1, "image_shape")?);
        let (_, b) = of_facts(c, x)?;
        let (v, rank) = (Expr::vars(y[0].rank()), y[0].rank() as u32);
        let (mut row, mut column, mut inside) = (v[1].clone(), Expr::int(0), Expr::bool(true));
        for (i, k) in b.window.kernel.iter().enumerate() {
            let tap = Expr::var(rank + i as u32);
            let moved = v[2 + i].add(&Expr::size(&b.window.begin[i])).sub(&tap.mul(&Expr::int(b.window.dilations[i])));
            let step = Expr::int(b.window.strides[i]);
            let o = moved.div(&step);
            let hit = moved.ge(&Expr::int(0)).and(&moved.rem(&step).eq(&Expr::int(0)));
            inside = inside.and(&hit).and(&o.within(&b.count[i]));
            row = row.mul(&Expr::size(k)).add(&tap);
            column = column.mul(&Expr::size(&b.count[i])).add(&o);
        }
        let inside = inside.and(&column.within(&data.shape[2]));
        let load = Expr::load(0, data, vec![v[0].clone(), row, column]);
        let taps = (rank..).zip(b.window.kernel.iter().cloned()).collect();
        let expr = Expr::reduce(Monoid::Sum, taps, inside.select(&load, &load.like(0.0)));
        let fill = Lowering::Comps(vec![Comp::new(&y[0], expr)]);
        let sizes: Vec<Expr> = (0..b.count.len()).map(|k| element(1, image, k)).collect();
        Ok(if image.as_dims().is_some() { fill } else { dynamic(c, &sizes, fill) })
    }
    fn samples(&self) -> Vec<Sample> {
        let of = |a: Attrs, x: &[usize], image: &[i64], block: &[i64]| {
            Sample::new(a, vec![sample_floats(x, 1), ints(image), ints(block)])
        };
        let padded = Attrs::new().with("pads", vec![0i64, 1, 0, 1]).with("strides", vec![2i64, 2]);
        vec![
            of(Attrs::new(), &[1, 4, 12], &[4, 5], &[2, 2]),
            of(padded, &[2, 6, 6], &[5, 5], &[3, 2]),
            of(Attrs::new().with("dilations", vec![2i64]), &[1, 6, 4], &[6], &[2]),
        ]
    }
}
