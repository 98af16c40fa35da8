//! `MaxPool`: largest element under a window, and where it is. <https://onnx.ai/onnx/operators/onnx__MaxPool.html>

use super::common::elementwise::sample_floats;
use super::common::pool::{Patch, Pool, PoolAttrs};
use crate::lower::{Comp, Expr, Lowering, Monoid, Proc, Stmt, Ty, Un, for_, if_, set, store};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(MaxPoolAttrs {
    /// `NOTSET`, `SAME_UPPER`, `SAME_LOWER` or `VALID`.
    auto_pad: String = "NOTSET".into(),
    /// Whether the size of the result is rounded up.
    ceil_mode: bool = false,
    /// Step between taps along each spatial axis.
    dilations: Vec<i64> = vec![],
    /// Extent of the kernel.
    kernel_shape: Vec<i64>,
    /// Begins, then ends.
    pads: Vec<i64> = vec![],
    /// Order of the spatial axes in Indices: 0 is row-major, 1 column-major.
    storage_order: i64 = 0,
    /// Step of the window along each spatial axis.
    strides: Vec<i64> = vec![],
});

pub struct MaxPool;

fn pool(c: &Ctx, x: &[Dim]) -> Result<(Pool, bool)> {
    let a = MaxPoolAttrs::read(c.attrs)?;
    ensure!((0..=1).contains(&a.storage_order), "storage_order is {}, expected 0 or 1", a.storage_order);
    let (kernel, strides, dilations) = (&a.kernel_shape, &a.strides, &a.dilations);
    let shared = PoolAttrs { kernel, strides, dilations, pads: &a.pads, auto_pad: &a.auto_pad, ceil: a.ceil_mode };
    Ok((Pool::new(&shared, x)?, a.storage_order == 1))
}

/// Position of the largest element; the first NaN if there is one.
fn largest(p: &Patch) -> Option<usize> {
    let mut best: Option<usize> = None;
    for (i, v) in p.values.iter().enumerate() {
        let b = best.map(|b| p.values[b]);
        let better = |b: Num| match (*v, b) {
            (Num::F(v), Num::F(b)) => !b.is_nan() && (v.is_nan() || v > b),
            (v, b) => v.i() > b.i(),
        };
        if b.is_none_or(better) {
            best = Some(i);
        }
    }
    best
}

fn flat<T: Clone>(at: &[T], size: &[T], columns: bool, first: T, step: impl Fn(T, &T, &T) -> T) -> T {
    let axes: Vec<usize> = if columns { (0..at.len()).rev().collect() } else { (0..at.len()).collect() };
    axes.into_iter().fold(first, |s, i| step(s, &size[i], &at[i]))
}

fn lowest(dtype: DType) -> f64 {
    dtype.int_range().map_or(f64::NEG_INFINITY, |r| r.0 as f64)
}

impl Op for MaxPool {
    fn name(&self) -> &'static str {
        "MaxPool"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        MaxPoolAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn results(&self) -> Arity {
        Arity::range(1, 2)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = need(x, 0, "X")?;
        let shape = pool(c, &x.shape)?.0.shape;
        let both = vec![Fact::new(x.dtype, shape.clone()), Fact::new(DType::I64, shape)];
        Ok(both.into_iter().take(c.outputs).collect())
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "X")?;
        let (pool, columns) = pool(c, &x.type_fact().shape)?;
        let max =
            |p: &Patch| largest(p).map_or(Tensor::floats(x.dtype(), &[], &[lowest(x.dtype())]).at(0), |i| p.values[i]);
        let place = |p: &Patch| {
            let at = |i: usize| flat(&p.at[i], &x.shape()[2..], columns, 0, |s, d, a| s * d + a);
            let plane: usize = x.shape()[2..].iter().product();
            Num::I(largest(p).map_or(0, |i| p.plane * plane + at(i)) as i128)
        };
        let mut y = vec![pool.eval(x, x.dtype(), max)];
        if c.outputs > 1 {
            y.push(pool.eval(x, DType::I64, place));
        }
        Ok(y)
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let x = need(x, 0, "X")?;
        let (pool, columns) = pool(c, &x.shape)?;
        if c.outputs > 1 {
            return Ok(Lowering::Proc(with_indices(&pool, columns, x, y)));
        }
        let outside = Expr::num(Ty::of(x.dtype), lowest(x.dtype));
        let max = pool.reduce(Monoid::Max, x, &outside, |v| v.max(&outside));
        Ok(Lowering::Comps(vec![Comp::new(&y[0], max)]))
    }
    fn samples(&self) -> Vec<Sample> {
        let kernel = |k: &[i64]| Attrs::new().with("kernel_shape", k);
        let s = |a: Attrs, x: &[usize]| Sample::new(a, vec![sample_floats(x, 1)]);
        let two = |s: Sample| Sample { outputs: 2, ..s };
        let ceil = kernel(&[3, 2]).with("strides", vec![2i64, 3]).with("ceil_mode", true);
        let bytes = Tensor::floats(DType::I8, &[1, 1, 2, 3], &[-7.0, -8.0, -3.0, -128.0, -1.0, -2.0]);
        vec![
            s(kernel(&[2, 2]), &[1, 2, 4, 5]),
            s(kernel(&[3, 3]).with("strides", vec![2i64, 2]).with("pads", vec![1i64; 4]), &[2, 3, 7, 6]),
            s(ceil.clone(), &[1, 2, 6, 6]),
            s(ceil.with("pads", vec![1i64, 0, 0, 1]), &[1, 1, 6, 5]),
            s(kernel(&[2]).with("dilations", vec![2i64]), &[1, 2, 5]),
            s(kernel(&[2, 3]).with("auto_pad", "SAME_UPPER").with("strides", vec![2i64, 2]), &[1, 1, 5, 6]),
            Sample::new(kernel(&[2, 2]).with("pads", vec![1i64; 4]), vec![bytes]),
            two(s(kernel(&[2, 2]).with("pads", vec![1i64; 4]), &[2, 3, 4, 3])),
            two(s(kernel(&[2, 2, 2]).with("storage_order", 1i64), &[1, 2, 3, 4, 3])),
        ]
    }
}

/// Both results in one walk over the window. Register 0 is the best element, 1 its index, 2 whether there is one.
fn with_indices(pool: &Pool, columns: bool, x: &Fact, y: &[Fact]) -> Proc {
    let n = x.rank() - 2;
    let at: Vec<Expr> =
        (0..n).map(|i| pool.win.position(i, &Expr::var(2 + i as u32), &Expr::var(pool.tap(i)))).collect();
    let size: Vec<Expr> = x.shape[2..].iter().map(Expr::size).collect();
    let plane = Expr::var(0).mul(&Expr::size(&x.shape[1])).add(&Expr::var(1));
    let plane = plane.mul(&Expr::size(&crate::dim::product(&x.shape[2..])));
    let here = flat(&at, &size, columns, Expr::int(0), |s, d, a| s.mul(d).add(a));
    let v = Expr::load(0, x, [vec![Expr::var(0), Expr::var(1)], at.clone()].concat());
    let (best, found) = (Expr::reg(0, v.ty()), Expr::reg(2, Ty::Bool));
    let mut better = v.gt(&best);
    if v.ty().is_float() {
        better = better.or(&v.un(Un::IsNan).and(&best.un(Un::IsNan).un(Un::Not)));
    }
    let take = vec![set(0, v), set(1, plane.add(&here)), set(2, Expr::bool(true))];
    let inside = at.iter().enumerate().fold(Expr::bool(true), |g, (i, p)| g.and(&p.within(&x.shape[2 + i])));
    let mut body = vec![if_(inside, vec![if_(found.un(Un::Not).or(&better), take)])];
    for (tap, extent) in pool.taps().iter().rev() {
        body = vec![for_(*tap, extent, body)];
    }
    let index = Expr::vars(2 + n);
    let start = [set(0, best.like(lowest(x.dtype))), set(1, Expr::int(0)), set(2, Expr::bool(false))];
    let end = [store(0, &y[0], index.clone(), best), store(1, &y[1], index, Expr::reg(1, Ty::I64))];
    let mut body: Vec<Stmt> = start.into_iter().chain(body).chain(end).collect();
    for axis in (1..2 + n).rev() {
        body = vec![for_(axis as u32, &y[0].shape[axis], body)];
    }
    Proc { parallel: Some((0, y[0].shape[0].clone())), body, ..Proc::default() }
}
