//! `Slice`: `data[starts:ends:steps]` along axes. <https://onnx.ai/onnx/operators/onnx__Slice.html>

use super::common::movement::{axes, counting, dynamic, element, ints, offset, take, vector_len};
use super::common::span::Span;
use crate::lower::{self, Expr, Lowering, Ty};
use crate::op::{Strings, maybe, need};
use crate::{Arity, Attrs, Ctx, Dim, Fact, Op, Result, Sample, Tensor, ensure};

pub struct Slice;

/// The axes `0..n` where none are given.
fn default_axes(n: usize) -> Vec<i64> {
    (0..n as i64).collect()
}

/// What is taken of each axis.
fn spans(shape: &[Dim], starts: &[Dim], ends: &[Dim], on: &[i64], steps: &[i64]) -> Result<Vec<Span>> {
    let n = starts.len();
    ensure!(
        ends.len() == n && on.len() == n && steps.len() == n,
        "starts, ends, axes and steps have {n}, {}, {} and {} elements, expected as many",
        ends.len(),
        on.len(),
        steps.len()
    );
    let mut out: Vec<Span> = shape.iter().map(Span::whole).collect();
    for (k, a) in axes(on, shape.len())?.into_iter().enumerate() {
        ensure!(steps[k] != 0, "steps[{k}] is 0");
        out[a] = Span::new(&starts[k], &ends[k], steps[k], &shape[a]);
    }
    Ok(out)
}

/// What is taken of each axis, where all operands but the data are known; steps and axes must be constants.
fn known(x: &[Option<&Fact>]) -> Result<Option<Vec<Span>>> {
    let (data, starts, ends) = (need(x, 0, "data")?, need(x, 1, "starts")?, need(x, 2, "ends")?);
    let (Some(starts), Some(ends)) = (starts.as_dims(), ends.as_dims()) else { return Ok(None) };
    let list = |i: usize, default: Vec<i64>| maybe(x, i).map_or(Some(default), Fact::as_ints);
    let (Some(on), Some(steps)) = (list(3, default_axes(starts.len())), list(4, vec![1; starts.len()])) else {
        return Ok(None);
    };
    spans(&data.shape, &starts, &ends, &on, &steps).map(Some)
}

/// Start, end and step of axis `a` where they are data: those of the last entry whose axis is `a`.
fn bounds(x: &[Option<&Fact>], a: usize, d: &Dim, rank: usize) -> Result<[Expr; 3]> {
    let n = vector_len(x, 1, "starts")?;
    let int = Expr::int;
    let mut out = [int(0), Expr::size(d), int(1)];
    for k in 0..n {
        let one = |i: usize, default: Expr| maybe(x, i).map_or(default, |f| element(i, f, k));
        let on = one(3, int(k as i64)).wrap_index(&rank.into()).eq(&int(a as i64));
        let found = [one(1, int(0)), one(2, int(0)), one(4, int(1))];
        out = std::array::from_fn(|j| on.select(&found[j], &out[j]));
    }
    Ok(out)
}

/// First position and number of positions of `start:end:step`, as expressions: [`Span::new`] for bounds that are data.
fn clamp([start, end, step]: &[Expr; 3], d: &Dim) -> (Expr, Expr) {
    let (zero, one, size) = (Expr::int(0), Expr::int(1), Expr::size(d));
    let up = step.gt(&zero);
    let low = up.select(&zero, &Expr::int(-1));
    let high = up.select(&size, &size.sub(&one));
    let inside = |v: &Expr, low: &Expr| v.wrap_index(d).max(low).min(&high);
    let (start, end) = (inside(start, &zero), inside(end, &low));
    let gap = up.select(&end.sub(&start), &start.sub(&end));
    let by = step.un(crate::lower::Un::Abs);
    (start, gap.add(&by).sub(&one).div(&by).max(&zero))
}

impl Op for Slice {
    fn name(&self) -> &'static str {
        "Slice"
    }
    fn operands(&self) -> Arity {
        Arity::range(3, 5)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|i| i == 0)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let data = need(x, 0, "data")?;
        let Some(spans) = known(x)? else {
            vector_len(x, 1, "starts")?;
            return Ok(vec![Fact::new(data.dtype, (0..data.rank()).map(|a| c.fresh(a)))]);
        };
        let y = Fact::new(data.dtype, spans.iter().map(|s| s.len.clone()));
        let at = if data.rank() == 1 { spans[0].positions() } else { None };
        Ok(vec![match (data.as_dims(), at) {
            (Some(v), Some(at)) => y.with_dims(at.into_iter().map(|i| v[i].clone()).collect()),
            _ => y,
        }])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let data = need(x, 0, "data")?;
        let starts = need(x, 1, "starts")?.to_i64();
        let list = |i: usize, default: Vec<i64>| maybe(x, i).map_or(default, Tensor::to_i64);
        let (on, steps) = (list(3, default_axes(starts.len())), list(4, vec![1; starts.len()]));
        let dims = |v: Vec<i64>| v.into_iter().map(Dim::from).collect::<Vec<_>>();
        let spans = spans(&data.type_fact().shape, &dims(starts), &dims(list(2, vec![])), &on, &steps)?;
        let picks: Vec<Vec<usize>> = spans.iter().map(|s| s.positions().unwrap_or_default()).collect();
        let shape: Vec<usize> = picks.iter().map(Vec::len).collect();
        let strides = data.strides();
        let at = |idx: &[usize]| idx.iter().zip(&picks).map(|(i, p)| p[*i]).collect::<Vec<_>>();
        Ok(vec![take(data, &shape, |idx| offset(&strides, &at(idx)))?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let data = need(x, 0, "data")?;
        if let Some(spans) = known(x)? {
            let index = spans.iter().enumerate().map(|(a, s)| s.at(&Expr::var(a as u32))).collect();
            return Ok(lower::gather(&y[0], data, index));
        }
        let (mut index, mut sizes) = (vec![], vec![]);
        for (a, d) in data.shape.iter().enumerate() {
            let b = bounds(x, a, d, data.rank())?;
            let (start, len) = clamp(&b, d);
            index.push(start.add(&Expr::var(a as u32).mul(&b[2])));
            sizes.push(len.cast(Ty::I64));
        }
        Ok(dynamic(c, &sizes, lower::gather(&y[0], data, index)))
    }
    // `Scan` of narrow elements is written with it.
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let slice = |x: &Tensor, lists: &[&[i64]]| {
            let lists = lists.iter().map(|v| ints(v));
            Sample::new(Attrs::new(), [x.clone()].into_iter().chain(lists).collect())
        };
        let x = counting(&[4, 5, 3]);
        vec![
            slice(&x, &[&[1, 0], &[3, i64::MAX]]),
            slice(&x, &[&[-3], &[-1], &[1]]),
            slice(&x, &[&[-1, 4], &[i64::MIN, 0], &[-1, 1], &[-1, -2]]),
            slice(&x, &[&[0, 1], &[9, 5], &[2, 1], &[2, 3]]),
            slice(&x, &[&[3], &[1], &[0]]),
            slice(&ints(&[7, 8, 9]), &[&[1], &[i64::from(i32::MAX)]]),
            slice(&ints(&[7, 8, 9]), &[&[-1], &[-9], &[0], &[-1]]),
            slice(&ints(&[7, 8, 9]), &[&[-4], &[-9], &[0], &[-1]]),
            slice(&x, &[&[-9, 4, i64::MIN], &[i64::MIN, -9, -9], &[0, 1, 2], &[-2, -3, -1]]),
            Sample {
                x: vec![Some(x), Some(ints(&[1])), Some(ints(&[2])), None, Some(ints(&[1]))],
                ..slice(&ints(&[]), &[])
            },
        ]
    }
}
