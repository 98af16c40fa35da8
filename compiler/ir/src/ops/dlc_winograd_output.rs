//! `dlc.WinogradOutput`: `y[n,k,h,w] = sum over a,b of A'[h mod tile, a] A'[w mod tile, b] m[b*size + a, n, h/tile, w/tile, k]`.
//! Ours: the result of a convolution of 3x3 by Winograd's minimal filtering, see [`Transform`].
//!
//! Operand: m[size * size, n, s, t, k] with size = tile + 2, or by rows of tiles [n, s, size * size, t, k]. Result: f32[n, k, height, width], as many as the tiles have or
//! less.

use super::common::elementwise::sample_floats;
use super::common::winograd::Transform;
use crate::lower::{Comp, Expr, Lowering};
use crate::op::need;
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(OutputAttrs {
    /// 1: images and rows of tiles are the first axes of the operand.
    by_rows: i64 = 0,
    /// Rows of the result.
    height: i64 = 0,
    /// Results of a tile along each axis: 2, 4 or 6.
    tile: i64 = 4,
    /// Columns of the result.
    width: i64 = 0,
});

pub struct WinogradOutput;

fn transform(a: &OutputAttrs) -> Result<Transform> {
    Transform::of(a.tile)
}

/// Where the axes of products, n, s, t, k are in the operand.
fn order(a: &OutputAttrs) -> [usize; 5] {
    if a.by_rows == 0 { [0, 1, 2, 3, 4] } else { [2, 0, 1, 3, 4] }
}

impl Op for WinogradOutput {
    fn name(&self) -> &'static str {
        "WinogradOutput"
    }
    fn domain(&self) -> &'static str {
        "dlc"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        OutputAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn constant_sizes(&self) -> &'static [usize] {
        &[0]
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (a, x) = (OutputAttrs::read(c.attrs)?, need(x, 0, "M")?);
        let products = transform(&a)?.size() * transform(&a)?.size();
        let at = order(&a);
        let points = x.shape.get(at[0]).and_then(Dim::as_const);
        let fits = x.dtype == DType::F32 && x.rank() == 5 && points == Some(products as i64);
        let expected = if a.by_rows == 0 { format!("{products},n,s,t,k") } else { format!("n,s,{products},t,k") };
        ensure!(fits, "operand M is {x}, expected f32[{expected}]");
        for (name, size, tiles) in [("height", a.height, &x.shape[at[2]]), ("width", a.width, &x.shape[at[3]])] {
            let inside = tiles.as_const().is_some_and(|n| size > (n - 1) * a.tile && size <= n * a.tile);
            ensure!(inside, "attribute {name} is {size}, expected what {tiles} tiles of {} have", a.tile);
        }
        let shape = [x.shape[at[1]].clone(), x.shape[at[4]].clone(), a.height.into(), a.width.into()];
        Ok(vec![Fact::new(DType::F32, shape)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (a, x) = (OutputAttrs::read(c.attrs)?, need(x, 0, "M")?);
        let t = transform(&a)?;
        let (rows, m, n, data) = (t.output(), t.tile, t.size(), x.to_f64());
        let (strides, sizes) = (order(&a).map(|axis| x.strides()[axis]), order(&a).map(|axis| x.shape()[axis]));
        let shape = [sizes[1], sizes[4], a.height as usize, a.width as usize];
        let mut out = vec![];
        for_each_index(&shape, |y| {
            let at = y[0] * strides[1] + y[2] / m * strides[2] + y[3] / m * strides[3] + y[1];
            let along = |b: usize| (0..n).map(|a| rows[y[2] % m][a] * data[(b * n + a) * strides[0] + at]).sum::<f64>();
            out.push(Num::F((0..n).map(|b| rows[y[3] % m][b] * along(b)).sum()));
        });
        Ok(vec![Tensor::new(DType::F32, &shape, out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (a, x) = (OutputAttrs::read(c.attrs)?, need(x, 0, "M")?);
        let t = transform(&a)?;
        let (v, m) = (Expr::vars(4), Expr::int(a.tile));
        let tile = |axis: usize| v[axis].div(&m);
        let along = |b: usize| {
            let load = |row: usize| {
                let product = Expr::int((b * t.size() + row) as i64);
                let of = [product, v[0].clone(), tile(2), tile(3), v[1].clone()];
                let mut index = of.to_vec();
                order(&a).into_iter().zip(of).for_each(|(at, e)| index[at] = e);
                Expr::load(0, x, index)
            };
            v[2].rem(&m).pick(t.output_of(&(0..t.size()).map(load).collect::<Vec<_>>()))
        };
        let rows = t.output_of(&(0..t.size()).map(along).collect::<Vec<_>>());
        Ok(Lowering::Comps(vec![Comp::new(&y[0], v[3].rem(&m).pick(rows))]))
    }
    fn samples(&self) -> Vec<Sample> {
        let s = |tile: i64, by_rows: i64, [height, width]: [i64; 2], shape: &[usize]| {
            let attrs = Attrs::new().with("tile", tile).with("height", height).with("width", width);
            Sample::new(attrs.with("by_rows", by_rows), vec![sample_floats(shape, 1)])
        };
        vec![
            s(2, 0, [2, 4], &[16, 1, 1, 2, 3]),
            s(4, 0, [7, 4], &[36, 2, 2, 1, 2]),
            s(6, 0, [6, 8], &[64, 1, 1, 2, 1]),
            s(4, 0, [6, 8], &[36, 1, 2, 2, 17]),
            s(4, 1, [7, 4], &[2, 2, 36, 1, 2]),
            s(2, 1, [3, 5], &[1, 2, 16, 3, 17]),
        ]
    }
}
