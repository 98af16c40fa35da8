//! `MaxRoiPool`: each region of interest cut into a grid, and the largest element of every cell.
//! <https://onnx.ai/onnx/operators/onnx__MaxRoiPool.html>
//!
//! A region is (image, x1, y1, x2, y2), scaled and rounded to whole pixels, both ends inclusive, at least one pixel
//! wide and high. Cell i of n covers `floor(i * h / n) .. ceil((i + 1) * h / n)`, cut at the border; an empty one is 0.
//! As in R. Girshick, Fast R-CNN (2015).

use super::common::movement::clamped;
use crate::lower::{Comp, Expr, Lowering, Monoid, Ty, Un};
use crate::op::need;
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(MaxRoiPoolAttrs {
    /// Height and width of the grid.
    pooled_shape: Vec<i64>,
    /// From coordinates of a region to pixels.
    spatial_scale: f32 = 1.0,
});

pub struct MaxRoiPool;

fn grid(c: &Ctx) -> Result<([i64; 2], f64)> {
    let a = MaxRoiPoolAttrs::read(c.attrs)?;
    match a.pooled_shape[..] {
        [h, w] if h > 0 && w > 0 => Ok(([h, w], a.spatial_scale as f64)),
        _ => bail!("pooled_shape is {:?}, expected two sizes", a.pooled_shape),
    }
}

/// Pixels of cell `i` of `n` of a region `from..=to`, within `0..size`.
fn cell(from: i64, to: i64, i: i64, n: i64, size: i64) -> std::ops::Range<usize> {
    let length = (to - from + 1).max(1) as f64 / n as f64;
    let lo = from + (i as f64 * length).floor() as i64;
    let hi = from + ((i + 1) as f64 * length).ceil() as i64;
    lo.clamp(0, size) as usize..hi.clamp(0, size) as usize
}

impl Op for MaxRoiPool {
    fn name(&self) -> &'static str {
        "MaxRoiPool"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        MaxRoiPoolAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (x, rois, (grid, _)) = (need(x, 0, "X")?, need(x, 1, "rois")?, grid(c)?);
        let five = rois.rank() == 2 && rois.shape[1].as_const().is_none_or(|n| n == 5);
        ensure!(
            x.rank() == 4 && x.dtype.is_float() && five,
            "operands are {x} and {rois}, expected [N,C,H,W] and [R,5]"
        );
        ensure!(x.dtype == rois.dtype, "operands are {x} and {rois}, expected one type");
        Ok(vec![Fact::new(x.dtype, [rois.shape[0].clone(), x.shape[1].clone(), grid[0].into(), grid[1].into()])])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (x, rois, (grid, scale)) = (need(x, 0, "X")?, need(x, 1, "rois")?, grid(c)?);
        let s = x.shape();
        let region = |r: usize, k: usize| (rois.at(r * 5 + k).f() * scale).round() as i64;
        let shape = [rois.shape()[0], s[1], grid[0] as usize, grid[1] as usize];
        let (mut out, mut failed) = (vec![], Ok(()));
        for_each_index(&shape, |i| {
            let image = rois.at(i[0] * 5).f();
            if !(image >= 0.0 && image < s[0] as f64) {
                failed = Err(crate::Error::op(format!(
                    "operand rois: region {} is of image {image}, expected a number below {}",
                    i[0], s[0]
                )));
                return;
            }
            let rows = cell(region(i[0], 2), region(i[0], 4), i[2] as i64, grid[0], s[2] as i64);
            let columns = cell(region(i[0], 1), region(i[0], 3), i[3] as i64, grid[1], s[3] as i64);
            let at = |y: usize, x: usize| ((image as usize * s[1] + i[1]) * s[2] + y) * s[3] + x;
            let all = rows.flat_map(|y| columns.clone().map(move |x| (y, x))).map(|(y, k)| x.at(at(y, k)).f());
            out.push(Num::F(all.reduce(f64::max).unwrap_or(0.0)));
        });
        failed?;
        Ok(vec![Tensor::new(x.dtype(), &shape, out)])
    }
    /// The largest over all pixels, those outside of the cell left out.
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (x, rois, (grid, scale)) = (need(x, 0, "X")?, need(x, 1, "rois")?, grid(c)?);
        let load = |k: i64| Expr::load(1, rois, vec![Expr::var(0), Expr::int(k)]).cast(Ty::F64);
        let pixel = |k: i64| {
            let v = load(k).mul(&Expr::num(Ty::F64, scale));
            let half = Expr::num(Ty::F64, 0.5);
            let up = v.un(Un::Abs).add(&half).un(Un::Floor);
            v.lt(&Expr::num(Ty::F64, 0.0)).select(&up.un(Un::Neg), &up).cast(Ty::I64)
        };
        let inside = |from: i64, to: i64, axis: usize, at: &Expr| {
            let (from, to, i, n) = (pixel(from), pixel(to), Expr::var(2 + axis as u32), Expr::int(grid[axis]));
            let length = to.sub(&from).add(&Expr::int(1)).max(&Expr::int(1)).cast(Ty::F64).div(&n.cast(Ty::F64));
            let lo = i.cast(Ty::F64).mul(&length).un(Un::Floor).cast(Ty::I64).add(&from);
            let hi = i.add(&Expr::int(1)).cast(Ty::F64).mul(&length).un(Un::Ceil).cast(Ty::I64).add(&from);
            at.ge(&lo).and(&at.lt(&hi))
        };
        let (row, column) = (Expr::var(4), Expr::var(5));
        let hit = inside(2, 4, 0, &row).and(&inside(1, 3, 1, &column));
        let image = clamped(&load(0).cast(Ty::I64), &x.shape[0]);
        let v = Expr::load(0, x, vec![image, Expr::var(1), row, column]);
        let least = v.like(f64::NEG_INFINITY);
        let pixels: Vec<(u32, Dim)> = vec![(4, x.shape[2].clone()), (5, x.shape[3].clone())];
        let largest = Expr::reduce(Monoid::Max, pixels, hit.select(&v, &least));
        let some = largest.gt(&least).select(&largest, &largest.like(0.0));
        Ok(Lowering::Comps(vec![Comp::new(&y[0], some)]))
    }
    fn samples(&self) -> Vec<Sample> {
        let x = super::common::elementwise::sample_floats(&[2, 2, 5, 6], 3);
        let rois = [0.0, 0.0, 0.0, 3.0, 3.0, 1.0, 1.0, 2.0, 5.0, 4.0, 1.0, 4.0, 4.0, 9.0, 2.0];
        let a = Attrs::new().with("pooled_shape", vec![2i64, 3]);
        vec![
            Sample::new(a.clone(), vec![x.clone(), Tensor::f32(&[3, 5], &rois)]),
            Sample::new(a.with("spatial_scale", 0.5f32), vec![x, Tensor::f32(&[3, 5], &rois)]),
        ]
    }
}
