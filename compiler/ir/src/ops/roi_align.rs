//! `RoiAlign`: each region resampled to one size by pooling bilinear samples.
//! <https://onnx.ai/onnx/operators/onnx__RoiAlign.html>
//!
//! Regions are data, and so is the number of samples where it is that of pixels: there are [`MOST`] along an axis of an
//! element at most, so that no region takes forever.

use super::common::elementwise::sample_floats;
use super::common::movement::{clamped, ints, unify};
use crate::lower::{Expr, Lowering, Proc, Stmt, Ty, Un, for_, set, store};
use crate::op::need;
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(RoiAlignAttrs {
    /// `half_pixel` or `output_half_pixel` (regions are not moved by half a pixel, and are at least one pixel large).
    coordinate_transformation_mode: String = "half_pixel".into(),
    /// `avg` or `max` of the samples.
    mode: String = "avg".into(),
    /// Rows of a result.
    output_height: i64 = 1,
    /// Columns of a result.
    output_width: i64 = 1,
    /// Samples along each axis of an element, 1024 at most; 0 is as many as there are pixels.
    sampling_ratio: i64 = 0,
    /// Multiplies the coordinates of the regions.
    spatial_scale: f32 = 1.0,
});

pub struct RoiAlign;

/// Samples along an axis of an element, at most.
const MOST: i64 = 1024;

/// The attributes, checked.
struct Setup {
    half: bool,
    max: bool,
    size: [i64; 2],
    ratio: i64,
    scale: f64,
}

fn setup(c: &Ctx) -> Result<Setup> {
    let a = RoiAlignAttrs::read(c.attrs)?;
    let pick = |what: &str, v: &str, names: [&str; 2]| match names.iter().position(|n| *n == v) {
        Some(i) => Ok(i == 0),
        None => bail!("attribute {what} is {v:?}, expected {} or {}", names[0], names[1]),
    };
    let size = [a.output_height, a.output_width];
    ensure!(
        size.iter().all(|d| *d > 0),
        "attributes output_height and output_width are {size:?}, expected positive numbers"
    );
    ensure!(a.sampling_ratio <= MOST, "attribute sampling_ratio is {}, expected {MOST} at most", a.sampling_ratio);
    Ok(Setup {
        half: pick(
            "coordinate_transformation_mode",
            &a.coordinate_transformation_mode,
            ["half_pixel", "output_half_pixel"],
        )?,
        max: pick("mode", &a.mode, ["max", "avg"])?,
        size,
        ratio: a.sampling_ratio,
        scale: a.spatial_scale as f64,
    })
}

impl Setup {
    /// Positions of the samples of element `p` of a region `from..to` along an axis of `size` elements.
    fn positions(&self, from: f64, to: f64, size: i64, p: usize) -> Vec<f64> {
        let start = from * self.scale - if self.half { 0.5 } else { 0.0 };
        let extent = to * self.scale - from * self.scale;
        let step = if self.half { extent } else { extent.max(1.0) } / size as f64;
        let n = if self.ratio > 0 { self.ratio } else { (step.ceil().max(0.0) as i64).min(MOST) };
        (0..n).map(|i| start + p as f64 * step + (i as f64 + 0.5) * step / n as f64).collect()
    }
}

/// The weighted pixels of one sample; zeros where it is far outside.
fn corners(
    v: Option<(usize, usize, f64)>,
    u: Option<(usize, usize, f64)>,
    pixel: impl Fn(usize, usize) -> f64,
) -> [f64; 4] {
    let Some(((y0, y1, wy), (x0, x1, wx))) = v.zip(u) else { return [0.0; 4] };
    [
        (1.0 - wy) * (1.0 - wx) * pixel(y0, x0),
        (1.0 - wy) * wx * pixel(y0, x1),
        wy * (1.0 - wx) * pixel(y1, x0),
        wy * wx * pixel(y1, x1),
    ]
}

/// The two elements around a position and the weight of the second; `None` far outside.
fn around(at: f64, d: usize) -> Option<(usize, usize, f64)> {
    if !(-1.0..=d as f64).contains(&at) || d == 0 {
        return None;
    }
    let at = at.max(0.0);
    let low = at as usize;
    Some(if low + 1 >= d { (d - 1, d - 1, 0.0) } else { (low, low + 1, at - low as f64) })
}

impl Op for RoiAlign {
    fn name(&self) -> &'static str {
        "RoiAlign"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        RoiAlignAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(3)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (x, rois, batch) = (need(x, 0, "X")?, need(x, 1, "rois")?, need(x, 2, "batch_indices")?);
        let s = setup(c)?;
        let fits = x.rank() == 4 && rois.rank() == 2 && batch.rank() == 1;
        ensure!(fits, "operands are {x}, {rois} and {batch}, expected ranks 4, 2 and 1");
        unify(&rois.shape[1], &4.into())?;
        let n = unify(&rois.shape[0], &batch.shape[0])?;
        Ok(vec![Fact::new(x.dtype, [n, x.shape[1].clone(), s.size[0].into(), s.size[1].into()])])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (x, rois, batch) = (need(x, 0, "X")?, need(x, 1, "rois")?, need(x, 2, "batch_indices")?.to_i64());
        let s = setup(c)?;
        let d = x.shape();
        ensure!(batch.iter().all(|b| (0..d[0] as i64).contains(b)), "batch_indices is {batch:?}, expected 0..{}", d[0]);
        let shape = [batch.len(), d[1], s.size[0] as usize, s.size[1] as usize];
        let mut out = vec![];
        for_each_index(&shape, |idx| {
            let roi = |k: usize| rois.at(idx[0] * 4 + k).f();
            let rows = s.positions(roi(1), roi(3), s.size[0], idx[2]);
            let columns = s.positions(roi(0), roi(2), s.size[1], idx[3]);
            let plane = (batch[idx[0]] as usize * d[1] + idx[1]) * d[2];
            let pixel = |y: usize, u: usize| x.at((plane + y) * d[3] + u).f();
            let pairs = rows.iter().flat_map(|v| columns.iter().map(move |u| (*v, *u)));
            let terms: Vec<[f64; 4]> = pairs.map(|(v, u)| corners(around(v, d[2]), around(u, d[3]), pixel)).collect();
            let all = terms.iter().flatten().copied();
            out.push(Num::F(match s.max {
                true => all.reduce(f64::max).unwrap_or(0.0),
                false => all.sum::<f64>() / terms.len().max(1) as f64,
            }));
        });
        Ok(vec![Tensor::new(x.dtype(), &shape, out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (x, rois, batch) = (need(x, 0, "X")?, need(x, 1, "rois")?, need(x, 2, "batch_indices")?);
        Ok(Lowering::Proc(pool(&setup(c)?, x, rois, batch, &y[0])))
    }
    fn samples(&self) -> Vec<Sample> {
        let rois = Tensor::f32(&[2, 4], &[0.0, 0.5, 3.0, 2.5, 1.0, -0.5, 5.5, 4.0]);
        let x = || vec![sample_floats(&[2, 2, 4, 5], 1), rois.clone(), ints(&[1, 0])];
        let endless =
            Tensor::f32(&[3, 4], &[0.0, 0.0, 5.0, 1e30, 0.0, 0.0, f32::INFINITY, 1.0, f32::NAN, 0.0, 1.0, 1.0]);
        let a = Attrs::new().with("output_height", 2i64).with("output_width", 3i64);
        vec![
            Sample::new(a.clone().with("sampling_ratio", 2i64), x()),
            Sample::new(a.clone().with("spatial_scale", 0.5f32), x()),
            Sample::new(a.with("mode", "max").with("coordinate_transformation_mode", "output_half_pixel"), x()),
            Sample::new(Attrs::new(), vec![sample_floats(&[1, 1, 4, 5], 1), endless, ints(&[0, 0, 0])]),
        ]
    }
}

fn f(v: f64) -> Expr {
    Expr::num(Ty::F64, v)
}

/// One axis of the element being computed: where its samples are, and their neighbours.
struct AxisExpr {
    start: Expr,
    step: Expr,
    count: Expr,
    d: Dim,
}

impl AxisExpr {
    /// `region` loads a coordinate of the region, `from` and `to` its columns; `out` is the variable of the result.
    fn new(s: &Setup, region: &dyn Fn(i64) -> Expr, from: i64, size: i64, d: &Dim) -> Self {
        let (a, b) = (region(from).mul(&f(s.scale)), region(from + 2).mul(&f(s.scale)));
        let extent = b.sub(&a);
        let extent = if s.half { extent } else { extent.max(&f(1.0)) };
        let step = extent.div(&f(size as f64));
        let count = match s.ratio > 0 {
            true => Expr::int(s.ratio),
            false => step.un(Un::Ceil).max(&f(0.0)).cast(Ty::I64).min(&Expr::int(MOST)),
        };
        AxisExpr { start: a.sub(&f(if s.half { 0.5 } else { 0.0 })), step, count, d: d.clone() }
    }

    /// For sample `i` of result position `p`: whether it is inside, the two elements and the weight of the second.
    fn around(&self, p: &Expr, i: &Expr) -> (Expr, Expr, Expr, Expr) {
        let part = i.cast(Ty::F64).add(&f(0.5)).mul(&self.step).div(&self.count.cast(Ty::F64));
        let at = self.start.add(&p.cast(Ty::F64).mul(&self.step)).add(&part);
        let n = Expr::size(&self.d);
        let inside = at.ge(&f(-1.0)).and(&at.le(&n.cast(Ty::F64))).and(&n.gt(&Expr::int(0)));
        let (at, last) = (at.max(&f(0.0)), n.sub(&Expr::int(1)));
        let low = at.cast(Ty::I64);
        let edge = low.ge(&last);
        let weight = edge.select(&f(0.0), &at.sub(&low.cast(Ty::F64)));
        let high = edge.select(&last, &low.add(&Expr::int(1)));
        (inside, edge.select(&last, &low), high, weight)
    }
}

/// The value of sample (variables 4, 5) of the element at variables 0..4 (F64).
fn sample_expr(s: &Setup, x: &Fact, batch: &Fact, rows: &AxisExpr, columns: &AxisExpr) -> Expr {
    let v = Expr::vars(6);
    let (in_y, y0, y1, wy) = rows.around(&v[2], &v[4]);
    let (in_x, x0, x1, wx) = columns.around(&v[3], &v[5]);
    let image = clamped(&Expr::load(2, batch, vec![v[0].clone()]), &x.shape[0]);
    let pixel =
        |r: &Expr, c: &Expr| Expr::load(0, x, vec![image.clone(), v[1].clone(), r.clone(), c.clone()]).cast(Ty::F64);
    let (uy, ux) = (f(1.0).sub(&wy), f(1.0).sub(&wx));
    let terms = [
        uy.mul(&ux).mul(&pixel(&y0, &x0)),
        uy.mul(&wx).mul(&pixel(&y0, &x1)),
        wy.mul(&ux).mul(&pixel(&y1, &x0)),
        wy.mul(&wx).mul(&pixel(&y1, &x1)),
    ];
    let value = terms[1..].iter().fold(terms[0].clone(), |a, b| s.join(&a, b));
    let some = in_y.and(&in_x).and(&Expr::size(&x.shape[0]).gt(&Expr::int(0)));
    some.select(&value, &f(0.0))
}

impl Setup {
    fn join(&self, a: &Expr, b: &Expr) -> Expr {
        if self.max { a.max(b) } else { a.add(b) }
    }
}

/// Registers: 0 the sum or maximum, 1 the number of samples. Variables: region 0, channel 1, row 2, column 3, samples
/// 4 and 5.
fn pool(s: &Setup, x: &Fact, rois: &Fact, batch: &Fact, y: &Fact) -> Proc {
    let (v, acc, n) = (Expr::vars(4), Expr::reg(0, Ty::F64), Expr::reg(1, Ty::I64));
    let region = |k: i64| Expr::load(1, rois, vec![v[0].clone(), Expr::int(k)]).cast(Ty::F64);
    let rows = AxisExpr::new(s, &region, 1, s.size[0], &x.shape[2]);
    let columns = AxisExpr::new(s, &region, 0, s.size[1], &x.shape[3]);
    let value = sample_expr(s, x, batch, &rows, &columns);
    let first = n.eq(&Expr::int(0));
    let sample = vec![set(0, first.select(&value, &s.join(&acc, &value))), set(1, n.add(&Expr::int(1)))];
    let loop_ = |var: u32, hi: &Expr, body: Vec<Stmt>| Stmt::For { var, lo: Expr::int(0), hi: hi.clone(), body };
    let samples = loop_(4, &rows.count, vec![loop_(5, &columns.count, sample)]);
    let total = n.max(&Expr::int(1)).cast(Ty::F64);
    let result = if s.max { acc.clone() } else { acc.div(&total) };
    let put = store(0, y, v.clone(), result.cast(Ty::of(y.dtype)));
    let element = vec![set(0, f(0.0)), set(1, Expr::int(0)), samples, put];
    let planes = for_(1, &y.shape[1], vec![for_(2, &y.shape[2], vec![for_(3, &y.shape[3], element)])]);
    Proc { scratch: vec![], parallel: Some((0, y.shape[0].clone())), body: vec![planes] }
}
