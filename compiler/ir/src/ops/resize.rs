//! `Resize`: resamples axes to other extents. <https://onnx.ai/onnx/operators/onnx__Resize.html>

use super::common::movement::{counting, dynamic, guarded, ints, offset, take};
use super::common::resample::{Axis, Mode, Taps};
use super::common::resample_expr::{AxisExpr, blend};
use super::common::resize::{Policy, ResizeAttrs, Setup, given, setup};
use crate::lower::{Comp, Expr, Lowering, Ty, Un};
use crate::op::need;
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor};

pub struct Resize;

/// The axes of these operands, with every extent and factor known.
fn resolved(s: &Setup, x: &[Option<&Tensor>]) -> Result<Vec<Axis>> {
    let data = need(x, 0, "X")?;
    let input: Vec<usize> = s.axes.iter().map(|a| data.shape()[*a]).collect();
    let n = s.axes.len();
    let list = |i: usize| given(x, i, Tensor::is_empty).map(Tensor::to_f64);
    let roi = |k: usize| list(1).map_or((0.0, 1.0), |r| (r[k], r[n + k]));
    let axis = |k: usize, num: f64, den: f64, real: f64, output: f64| Axis {
        input: input[k],
        output: output.max(0.0) as usize,
        num,
        den,
        real,
        roi: roi(k),
    };
    let d = |k: usize| input[k] as f64;
    if let Some(scales) = list(2) {
        let output = |k: usize| (input[k] as f32 * scales[k] as f32).floor() as f64;
        return Ok((0..n).map(|k| axis(k, 1.0, scales[k], d(k) * scales[k], output(k))).collect());
    }
    let sizes = list(3).unwrap_or_default();
    let ratios = (0..n).map(|k| sizes[k] / d(k));
    let one = match s.policy {
        Policy::Stretch => return Ok((0..n).map(|k| axis(k, d(k), sizes[k], sizes[k], sizes[k])).collect()),
        Policy::NotLarger => ratios.fold(f64::INFINITY, f64::min),
        Policy::NotSmaller => ratios.fold(0.0, f64::max),
    };
    Ok((0..n).map(|k| axis(k, 1.0, one, d(k) * one, (d(k) * one + 0.5).floor())).collect())
}

/// One axis of a row-major tensor replaced by weighted sums; positions without taps become `outside`.
fn resample(shape: &[usize], data: &[f64], on: usize, taps: &[Taps], outside: f64) -> Vec<f64> {
    let (strides, mut out) = (crate::tensor::strides(shape), vec![]);
    let mut to = shape.to_vec();
    to[on] = taps.len();
    for_each_index(&to, |idx| {
        let base = offset(&strides, idx) - idx[on] * strides[on];
        let sum = taps[idx[on]].iter().map(|(i, w)| data[base + i * strides[on]] * w).sum();
        out.push(if taps[idx[on]].is_empty() { outside } else { sum });
    });
    out
}

/// As the type stores it: integers are rounded, ties to even, and saturate.
fn store_as(dtype: DType, v: f64) -> Num {
    match dtype.int_range() {
        Some((lo, hi)) => Num::I((v.round_ties_even() as i128).clamp(lo, hi)),
        None => Num::F(v),
    }
}

fn store_expr(dtype: DType, v: &Expr) -> Expr {
    let Some((lo, hi)) = dtype.int_range() else { return v.clone() };
    v.un(Un::Round).max(&v.like(lo as f64)).min(&v.like(hi as f64)).cast(Ty::of(dtype))
}

impl Op for Resize {
    fn name(&self) -> &'static str {
        "Resize"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        ResizeAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(1, 4)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let mut y = need(x, 0, "X")?.type_only();
        for a in setup(c, y.rank())?.plan(c, x)?.0 {
            y.shape[a.axis] = a.output;
        }
        Ok(vec![y])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let data = need(x, 0, "X")?;
        let s = setup(c, data.rank())?;
        let taps: Vec<Vec<Taps>> = resolved(&s, x)?.iter().map(|a| a.taps(&s.sampling)).collect::<Result<_>>()?;
        let (mut shape, mut values) = (data.shape().to_vec(), vec![]);
        if s.sampling.mode == Mode::Nearest && taps.iter().flatten().all(|t| !t.is_empty()) {
            s.axes.iter().zip(&taps).for_each(|(a, t)| shape[*a] = t.len());
            let strides = data.strides();
            let moved =
                |idx: &[usize]| s.axes.iter().zip(&taps).map(|(a, t)| t[idx[*a]][0].0 * strides[*a]).sum::<usize>();
            let kept: Vec<usize> = (0..shape.len()).map(|a| if s.axes.contains(&a) { 0 } else { strides[a] }).collect();
            return Ok(vec![take(data, &shape, |idx| offset(&kept, idx) + moved(idx))?]);
        }
        values.extend(data.to_f64());
        for (a, t) in s.axes.iter().zip(&taps) {
            values = resample(&shape, &values, *a, t, s.extrapolation);
            shape[*a] = t.len();
        }
        Ok(vec![Tensor::new(data.dtype(), &shape, values.into_iter().map(|v| store_as(data.dtype(), v)))])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let data = need(x, 0, "X")?;
        let s = setup(c, data.rank())?;
        let (plan, symbols) = s.plan(c, x)?;
        let fill = Lowering::Comps(vec![Comp::new(&y[0], element_of(&s, data, &plan))]);
        let open = |(k, a): (usize, &AxisExpr)| {
            a.output == c.fresh(2 * k) || (s.sampling.antialias && a.reach == c.fresh(2 * k + 1))
        };
        Ok(if plan.iter().enumerate().any(open) { dynamic(c, &symbols, fill) } else { fill })
    }
    fn samples(&self) -> Vec<Sample> {
        samples()
    }
}

/// The element of the result.
fn element_of(s: &Setup, data: &Fact, plan: &[AxisExpr]) -> Expr {
    let mut index = Expr::vars(data.rank());
    let sampling = &s.sampling;
    let moved: Vec<&AxisExpr> = plan.iter().filter(|a| !a.is_identity(sampling)).collect();
    let empty = moved.iter().filter(|a| a.free).map(|a| &a.input);
    let dtype = data.dtype;
    let value = match sampling.mode {
        Mode::Nearest => {
            moved.iter().for_each(|a| index[a.axis] = a.nearest(sampling));
            guarded(empty, &Expr::load(0, data, index))
        }
        _ => {
            let ty = if dtype.is_float() { Ty::of(dtype) } else { Ty::F64 };
            let load = |index| guarded(empty.clone(), &Expr::load(0, data, index)).cast(ty);
            store_expr(dtype, &blend(sampling, &moved, index, data.rank() as u32, &load))
        }
    };
    let outside = moved.iter().filter_map(|a| a.outside(sampling)).reduce(|a, b| a.or(&b));
    let fill = store_expr(dtype, &Expr::num(if dtype.is_float() { Ty::of(dtype) } else { Ty::F64 }, s.extrapolation));
    outside.map_or(value.clone(), |o| o.select(&fill, &value))
}

fn by_scale(a: Attrs, x: Tensor, s: &[f32]) -> Sample {
    Sample { x: vec![Some(x), None, Some(Tensor::f32(&[s.len()], s))], ..Sample::new(a, vec![]) }
}

fn by_size(a: Attrs, x: Tensor, s: &[i64]) -> Sample {
    Sample { x: vec![Some(x), None, None, Some(ints(s))], ..Sample::new(a, vec![]) }
}

fn mode(m: &str, c: &str) -> Attrs {
    Attrs::new().with("mode", m).with("coordinate_transformation_mode", c)
}

fn samples() -> Vec<Sample> {
    let (image, plane) = (|| counting(&[1, 1, 3, 4]), || counting(&[3, 4]));
    let mut out = other_samples();
    for c in ["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric"] {
        for n in ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"] {
            let a = mode("nearest", c).with("nearest_mode", n);
            out.push(by_size(a.clone(), image(), &[1, 1, 6, 7]));
            out.push(by_scale(a, image(), &[1.0, 1.0, 0.75, 2.0]));
        }
        out.push(by_scale(mode("linear", c), plane(), &[2.0, 0.6]));
        out.push(by_size(mode("linear", c).with("exclude_outside", true), plane(), &[1, 9]));
        out.push(by_scale(mode("cubic", c).with("cubic_coeff_a", -0.5f32), plane(), &[1.0, 1.5]));
    }
    for m in ["linear", "cubic"] {
        let a = mode(m, "half_pixel").with("antialias", true);
        out.push(by_size(a.clone(), plane(), &[2, 3]));
        out.push(by_scale(a.clone().with("exclude_outside", true), plane(), &[0.6, 2.0]));
        out.push(by_size(a.clone().with("axes", vec![2i64, 3]), image().cast(DType::U8), &[2, 4]));
    }
    out
}

/// One scale for all axes, a crop, one axis, integers.
fn other_samples() -> Vec<Sample> {
    let image = || counting(&[1, 1, 3, 4]);
    let one_scale = |p: &str| {
        let a = Attrs::new().with("keep_aspect_ratio_policy", p).with("axes", vec![3i64, 2]);
        by_size(a, image(), &[7, 8])
    };
    let crop = mode("linear", "tf_crop_and_resize").with("extrapolation_value", 10.0f32).with("axes", vec![2i64, 3]);
    let roi = Some(Tensor::f32(&[4], &[0.4, 0.6, 1.2, 0.9]));
    vec![
        one_scale("not_larger"),
        one_scale("not_smaller"),
        Sample { x: vec![Some(image()), roi, None, Some(ints(&[3, 1]))], ..Sample::new(crop, vec![]) },
        by_size(mode("cubic", "half_pixel"), counting(&[3]), &[5]),
        by_size(Attrs::new(), Tensor::i64(&[2], &[i64::MAX, -5]), &[4]),
    ]
}
