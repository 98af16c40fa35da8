//! `com.microsoft.CropAndResize`: regions of images, resampled to one size with corners aligned.
//! <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>
//!
//! Positions are computed in f32 step by step, as the runtime does: whether one on the border is inside depends on it.

use super::common::elementwise::sample_floats;
use super::common::movement::{checked, clamped, dynamic, element, guarded};
use crate::infer::same_dtype;
use crate::lower::{Comp, Expr, Lowering, Ty, Un};
use crate::op::need;
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(CropAndResizeAttrs {
    /// What is shown outside of the image.
    extrapolation_value: f32 = 0.0,
    /// `bilinear` or `nearest`.
    mode: String = "bilinear".into(),
});

/// See the module.
pub struct CropAndResize;

/// Whether pixels are weighted, and what is outside.
fn setup(c: &Ctx) -> Result<(bool, f32)> {
    let a = CropAndResizeAttrs::read(c.attrs)?;
    match &a.mode[..] {
        "bilinear" => Ok((true, a.extrapolation_value)),
        "nearest" => Ok((false, a.extrapolation_value)),
        other => bail!("mode is {other:?}, expected bilinear or nearest"),
    }
}

/// Position `p` of `n` between `from` and `to` on an axis of `size` pixels; `None` outside.
fn position((from, to): (f32, f32), size: usize, p: usize, n: usize) -> Option<f32> {
    let last = size as f32 - 1.0;
    let at = match n {
        1 => 0.5 * (from + to) * last,
        _ => from * last + p as f32 * ((to - from) * last / (n - 1) as f32),
    };
    (at >= 0.0 && at <= last).then_some(at)
}

/// The same as an expression, and whether it is inside.
fn position_expr((from, to): (Expr, Expr), size: &Dim, p: &Expr, n: &Dim) -> (Expr, Expr) {
    let float = |e: Expr| e.cast(Ty::F32);
    let (last, steps) = (float(Expr::size(size).sub(&Expr::int(1))), float(Expr::size(n).sub(&Expr::int(1))));
    let middle = from.add(&to).mul(&Expr::num(Ty::F32, 0.5)).mul(&last);
    let step = to.sub(&from).mul(&last).div(&steps);
    let on_the_way = from.mul(&last).add(&float(p.clone()).mul(&step));
    let at = Expr::size(n).eq(&Expr::int(1)).select(&middle, &on_the_way);
    (at.clone(), at.ge(&at.like(0.0)).and(&at.le(&last)))
}

impl Op for CropAndResize {
    fn name(&self) -> &'static str {
        "CropAndResize"
    }
    fn domain(&self) -> &'static str {
        "com.microsoft"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        CropAndResizeAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(4)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        setup(c)?;
        let (images, rois) = (need(x, 0, "X")?, need(x, 1, "rois")?);
        let (batch, size) = (need(x, 2, "batch_indices")?, need(x, 3, "crop_size")?);
        same_dtype(&[images, rois])?;
        ensure!(matches!(images.dtype, DType::F32 | DType::F16), "X is {images}, expected elements of type f32 or f16");
        ensure!(images.rank() == 4, "X is {images}, expected rank 4");
        let four = rois.rank() == 2 && rois.shape[1].as_const().is_none_or(|n| n == 4);
        ensure!(four, "rois is {rois}, expected shape [regions, 4]");
        ensure!(batch.rank() == 1 && batch.dtype.is_int(), "batch_indices is {batch}, expected integers of rank 1");
        let two = size.const_shape().as_deref() == Some(&[2]) && size.dtype.is_int();
        ensure!(two, "crop_size is {size}, expected two integers");
        let crop = size.as_dims().unwrap_or_else(|| vec![c.fresh(0), c.fresh(1)]);
        let positive = crop.iter().all(|d| d.as_const().is_none_or(|d| d > 0));
        ensure!(positive, "crop_size is {size}, expected positive numbers");
        let shape = [rois.shape[0].clone(), images.shape[1].clone()];
        Ok(vec![Fact::new(images.dtype, shape.into_iter().chain(crop))])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (weighted, outside) = setup(c)?;
        let (images, rois) = (need(x, 0, "X")?, need(x, 1, "rois")?);
        let batch = need(x, 2, "batch_indices")?.to_i64();
        let crop: Vec<usize> = need(x, 3, "crop_size")?.to_i64().iter().map(|d| (*d).max(0) as usize).collect();
        ensure!(batch.len() == rois.shape()[0], "{} batch_indices, expected {}", batch.len(), rois.shape()[0]);
        let (s, bounds) = (images.shape().to_vec(), rois.to_f32());
        let image = batch.iter().map(|b| checked(*b, s[0])).collect::<Result<Vec<_>>>()?;
        let mut out = vec![];
        for_each_index(&[batch.len(), s[1], crop[0], crop[1]], |at| {
            let b = &bounds[at[0] * 4..];
            let y = position((b[0], b[2]), s[2], at[2], crop[0]);
            let x = position((b[1], b[3]), s[3], at[3], crop[1]);
            let pixel =
                |y: f32, x: f32| images.at(((image[at[0]] * s[1] + at[1]) * s[2] + y as usize) * s[3] + x as usize).f();
            let mix = |a: f64, b: f64, part: f32| a + (b - a) * f64::from(part);
            out.push(Num::F(match (y.zip(x), weighted) {
                (None, _) => outside.into(),
                (Some((y, x)), false) => pixel(y.round(), x.round()),
                (Some((y, x)), true) => {
                    let row = |y: f32| mix(pixel(y, x.floor()), pixel(y, x.ceil()), x - x.floor());
                    mix(row(y.floor()), row(y.ceil()), y - y.floor())
                }
            }));
        });
        Ok(vec![Tensor::new(images.dtype(), &[batch.len(), s[1], crop[0], crop[1]], out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (weighted, outside) = setup(c)?;
        let (images, rois) = (need(x, 0, "X")?, need(x, 1, "rois")?);
        let (batch, size) = (need(x, 2, "batch_indices")?, need(x, 3, "crop_size")?);
        let (v, s) = (Expr::vars(4), &images.shape);
        let bound = |k: i64| Expr::load(1, rois, vec![v[0].clone(), Expr::int(k)]).cast(Ty::F32);
        let (at_y, in_y) = position_expr((bound(0), bound(2)), &s[2], &v[2], &y[0].shape[2]);
        let (at_x, in_x) = position_expr((bound(1), bound(3)), &s[3], &v[3], &y[0].shape[3]);
        let image = clamped(&Expr::load(2, batch, vec![v[0].clone()]), &s[0]);
        let pixel = |y: &Expr, x: &Expr| {
            let index = vec![image.clone(), v[1].clone(), y.cast(Ty::I64), x.cast(Ty::I64)];
            guarded([&s[0]], &Expr::load(0, images, index).cast(Ty::F32))
        };
        let mix = |a: &Expr, b: &Expr, part: &Expr| a.add(&b.sub(a).mul(part));
        let low = |e: &Expr| e.un(Un::Floor);
        let value = match weighted {
            true => {
                let part = |e: &Expr| e.sub(&low(e));
                let row = |y: &Expr| mix(&pixel(y, &low(&at_x)), &pixel(y, &at_x.un(Un::Ceil)), &part(&at_x));
                mix(&row(&low(&at_y)), &row(&at_y.un(Un::Ceil)), &part(&at_y))
            }
            false => {
                // Halves are rounded up.
                let near = |e: &Expr| {
                    let up = e.sub(&low(e)).ge(&e.like(0.5));
                    low(e).add(&up.select(&e.like(1.0), &e.like(0.0)))
                };
                pixel(&near(&at_y), &near(&at_x))
            }
        };
        let value = in_y.and(&in_x).select(&value, &Expr::num(Ty::F32, outside.into()));
        let fill = Lowering::Comps(vec![Comp::new(&y[0], value)]);
        let asked = |k: usize| element(3, size, k);
        let sizes: Vec<Expr> = (0..2).map(|k| asked(k).gt(&Expr::int(0)).select(&asked(k), &Expr::int(-1))).collect();
        Ok(if size.as_dims().is_some() { fill } else { dynamic(c, &sizes, fill) })
    }
    fn samples(&self) -> Vec<Sample> {
        let rois = [0.0, 0.0, 1.0, 1.0, 0.25, 0.5, 0.75, 0.125, -0.5, 0.25, 0.5, 1.5, 0.875, 0.5, 0.875, 0.5];
        let ints = |v: &[f64]| Tensor::floats(DType::I32, &[v.len()], v);
        let s = |attrs: Attrs, d: DType, size: [f64; 2]| {
            let (x, rois) = (sample_floats(&[2, 3, 5, 9], 1).cast(d), Tensor::f32(&[4, 4], &rois).cast(d));
            Sample::new(attrs, vec![x, rois, ints(&[0.0, 1.0, 1.0, 0.0]), ints(&size)])
        };
        let nearest = Attrs::new().with("mode", "nearest").with("extrapolation_value", 7.5f32);
        vec![
            s(Attrs::new(), DType::F32, [3.0, 4.0]),
            s(nearest.clone(), DType::F32, [4.0, 3.0]),
            s(Attrs::new().with("extrapolation_value", -1.0f32), DType::F32, [1.0, 1.0]),
            s(nearest, DType::F16, [1.0, 6.0]),
        ]
    }
}
