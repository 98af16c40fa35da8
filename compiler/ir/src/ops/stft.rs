//! `STFT`: Fourier transforms of windowed frames of a signal. <https://onnx.ai/onnx/operators/onnx__STFT.html>

use super::common::elementwise::sample_floats;
use super::common::expansion::{Expansion, wide};
use super::common::movement::{dynamic, scalar, sizes};
use super::common::spectrum::{Transform, complex, turned, turned_expr};
use super::dlc_frames::frames;
use crate::lower::{Comp, Expr, Lowering, Monoid, Ty};
use crate::op::{maybe, need, single};
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(StftAttrs {
    /// Only the first half of the frequencies.
    onesided: bool = true,
});

pub struct Stft;

/// Sizes of one transform.
struct Plan {
    step: Dim,
    length: Dim,
    shape: Vec<Dim>,
}

/// `window` is the length of the window; `None` where there is none.
fn plan(c: &Ctx, signal: &[Dim], step: Dim, length: Option<Dim>, window: Option<Dim>) -> Result<Plan> {
    ensure!(signal.len() == 3, "operand signal has rank {}, expected 3", signal.len());
    let (d, parts) = (&signal[1], &signal[2]);
    ensure!(
        parts.as_const().is_none_or(|p| p == 1 || p == 2),
        "operand signal has {parts} parts on its last axis, expected 1 or 2"
    );
    let length = length.or(window.clone()).unwrap_or_else(|| d.clone());
    for (what, v) in [("frame_step", &step), ("frame_length", &length)] {
        ensure!(v.as_const().is_none_or(|v| v > 0), "operand {what} is {v}, expected 1 or more");
    }
    if let (Some(w), Some(l)) = (window.and_then(|w| w.as_const()), length.as_const()) {
        ensure!(w == l, "operand window has {w} elements, expected {l}");
    }
    let frames = frames(d, &length, &step);
    let half = length.div(&2.into()) + 1.into();
    let bins = if StftAttrs::read(c.attrs)?.onesided { half } else { length.clone() };
    Ok(Plan { step, length, shape: vec![signal[0].clone(), frames, bins, 2.into()] })
}

/// The plan for these facts; the step and the length are the first two fresh symbols where only data gives them.
fn of_facts(c: &Ctx, x: &[Option<&Fact>]) -> Result<Plan> {
    let size =
        |i: usize| maybe(x, i).map(|f| f.as_dims().and_then(|v| v.first().cloned()).unwrap_or_else(|| c.fresh(i / 2)));
    single("frame_step", need(x, 1, "frame_step")?)?;
    maybe(x, 3).map_or(Ok(()), |f| single("frame_length", f))?;
    let window = maybe(x, 2).map(|w| w.len());
    plan(c, &need(x, 0, "signal")?.shape, size(1).unwrap_or(1.into()), size(3), window)
}

impl Plan {
    /// The transform of a frame and the step, if their sizes are known and small.
    fn transform(&self, signal: &Fact) -> Option<(Transform, i64)> {
        let size = |d: &Dim| d.as_const().and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0);
        let (n, parts, bins) = (size(&self.length)?, size(&signal.shape[2])?, size(&self.shape[2])?);
        let t = Transform { n, terms: n, parts, bins, results: 2, sign: -1.0 };
        t.is_whole().then_some((t, self.step.as_const()?))
    }
}

/// The frames times a matrix that has the window in it; the operands are those of the operator.
fn products(t: &Transform, step: i64, x: &[Option<&Fact>], y: &Fact) -> Result<Lowering> {
    let mut e = Expansion::of(x);
    let (signal, dtype, n) = (e.x(0)?, wide(y.dtype), t.n as i64);
    let signal = e.cast(signal, dtype)?;
    let rows = e.with("dlc.Frames", Attrs::new().with("length", n).with("step", step), &[signal])?;
    let mut m = e.constant(t.matrix(dtype, |_| 1.0));
    if let Some(window) = e.operand(2) {
        let (parts, columns) = (t.parts as i64, (t.bins * t.results) as i64);
        let window = e.cast(window, dtype)?;
        let window = e.shaped(window, &[n, 1])?;
        let wide = e.shaped(m, &[n, parts * columns])?;
        let product = e.op("Mul", &[wide, window])?;
        m = e.shaped(product, &[n * parts, columns])?;
    }
    let v = e.op("MatMul", &[rows, m])?;
    let v = e.shaped(v, &[0, 0, t.bins as i64, t.results as i64])?;
    let v = e.cast(v, y.dtype)?;
    Ok(e.done(&[v]))
}

impl Op for Stft {
    fn name(&self) -> &'static str {
        "STFT"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        StftAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(2, 4)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let signal = need(x, 0, "signal")?;
        ensure!(signal.dtype.is_float(), "operand signal is {signal}, expected floats");
        if let Some(w) = maybe(x, 2) {
            ensure!(
                w.rank() == 1 && w.dtype == signal.dtype,
                "operand window is {w}, expected a vector of {}",
                signal.dtype
            );
        }
        Ok(vec![Fact::new(signal.dtype, of_facts(c, x)?.shape)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (signal, window) = (need(x, 0, "signal")?, maybe(x, 2));
        let first = |i: usize| maybe(x, i).map(|t| Dim::from(t.at(0).i() as i64));
        let step = first(1).unwrap_or(1.into());
        let p = plan(c, &signal.type_fact().shape, step, first(3), window.map(|w| w.len().into()))?;
        let [step, n] = [&p.step, &p.length].map(|d| d.as_const().unwrap_or(1) as usize);
        let (shape, d) = (sizes(&p.shape), signal.shape());
        let mut out = vec![];
        for_each_index(&shape, |idx| {
            let mut sum = (0.0, 0.0);
            for t in 0..n {
                let at = (idx[0] * d[1] + idx[1] * step + t) * d[2];
                let w = window.map_or(1.0, |w| w.at(t).f());
                let im = if d[2] == 2 { signal.at(at + 1).f() } else { 0.0 };
                let z = turned((signal.at(at).f() * w, im * w), idx[2], t, n, -1.0);
                sum = (sum.0 + z.0, sum.1 + z.1);
            }
            out.push(Num::F(if idx[3] == 0 { sum.0 } else { sum.1 }));
        });
        Ok(vec![Tensor::new(signal.dtype(), &shape, out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (signal, p) = (need(x, 0, "signal")?, of_facts(c, x)?);
        let windowed = maybe(x, 2).is_none_or(|w| w.len() == p.length);
        if let Some((t, step)) = p.transform(signal).filter(|_| windowed) {
            return products(&t, step, x, &y[0]);
        }
        let (v, t) = (Expr::vars(4), Expr::var(4));
        let at = v[1].mul(&Expr::size(&p.step)).add(&t);
        let (re, im) = complex(0, signal, &[v[0].clone(), at]);
        let mut z = turned_expr((re, im), &v[2], &t, &p.length, -1.0);
        if let Some(w) = maybe(x, 2) {
            let load = Expr::load(2, w, vec![t.clone()]).cast(Ty::F64);
            let weight = match w.len() == p.length {
                true => load,
                false => t.lt(&Expr::size(&w.len())).select(&load, &Expr::num(Ty::F64, 0.0)),
            };
            z = (z.0.mul(&weight), z.1.mul(&weight));
        }
        let value = v[3].eq(&Expr::int(0)).select(&z.0, &z.1);
        let sum = Expr::reduce(Monoid::Sum, vec![(4, p.length.clone())], value);
        let fill = Lowering::Comps(vec![Comp::new(&y[0], sum.cast(Ty::of(signal.dtype)))]);
        let known = |i: usize| maybe(x, i).is_none_or(|f| f.as_dims().is_some());
        let size = |i: usize| maybe(x, i).map_or(Expr::int(1), |f| scalar(i, f).max(&Expr::int(1)));
        Ok(if known(1) && known(3) { fill } else { dynamic(c, &[size(1), size(3)], fill) })
    }
    fn samples(&self) -> Vec<Sample> {
        let one = |v: i64| Some(Tensor::i64(&[], &[v]));
        let window = || Some(Tensor::f32(&[4], &[0.25, 1.0, 0.5, 0.75]));
        let of = |a: Attrs, shape: &[usize], rest: Vec<Option<Tensor>>| {
            let x = [Some(sample_floats(shape, 1))].into_iter().chain(rest).collect();
            Sample { x, ..Sample::new(a, vec![]) }
        };
        let both = Attrs::new().with("onesided", 0i64);
        vec![
            of(Attrs::new(), &[2, 10, 1], vec![one(3), window(), one(4)]),
            of(both.clone(), &[1, 9, 2], vec![one(2), window()]),
            of(both, &[1, 8, 1], vec![one(2), None, one(5)]),
        ]
    }
}
