//! `Pad`: adds (or, negative, takes off) elements at both ends of axes. <https://onnx.ai/onnx/operators/onnx__Pad.html>

use super::common::computed_axes::unknown;
use super::common::elementwise::sample_floats;
use super::common::movement::{axes, const_ints, dynamic, element, guarded, vector_len};
use super::common::quantize::sample_narrow;
use crate::lower::{Comp, Expr, Lowering, Ty};
use crate::op::{axis, maybe, need, single};
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(PadAttrs {
    /// `constant`, `reflect`, `edge` or `wrap`.
    mode: String = "constant".into(),
});

pub struct Pad;

/// What is added before and after each axis of a tensor of rank `rank`.
fn amounts<T: Clone + From<i32>>(pads: &[T], axes: Option<Vec<i64>>, rank: usize) -> Result<Vec<(T, T)>> {
    let axes = axes.unwrap_or_else(|| (0..rank as i64).collect());
    let n = axes.len();
    ensure!(pads.len() == 2 * n, "operand pads has {} elements, expected {} for {n} axes", pads.len(), 2 * n);
    let mut out = vec![(T::from(0), T::from(0)); rank];
    for (i, a) in axes.iter().enumerate() {
        out[axis(*a, rank)?] = (pads[i].clone(), pads[n + i].clone());
    }
    Ok(out)
}

/// The axes that pads speaks of.
fn padded_axes(x: &[Option<&Fact>], rank: usize) -> Result<Vec<usize>> {
    match const_ints(x, 3, "axes")? {
        Some(list) => axes(&list, rank),
        None => Ok((0..rank).collect()),
    }
}

/// The same for operands of which only facts are known; `None` when pads or axes are data.
fn fact_amounts(x: &[Option<&Fact>]) -> Result<Option<Vec<(Dim, Dim)>>> {
    let (data, pads) = (need(x, 0, "data")?, need(x, 1, "pads")?);
    let Some(pads) = pads.as_dims().filter(|_| unknown(maybe(x, 3)).is_none()) else { return Ok(None) };
    amounts(&pads, const_ints(x, 3, "axes")?, data.rank()).map(Some)
}

/// What is added before and after axis `a`, when the axes are data.
fn amounts_of(a: usize, pads: &Fact, axes: &Fact, rank: usize) -> (Expr, Expr) {
    let n = axes.const_shape().map_or(0, |s| s.iter().product());
    let is_it = |k: usize| element(3, axes, k).wrap_index(&rank.into()).eq(&Expr::int(a as i64));
    let of = |first: usize| (0..n).fold(Expr::int(0), |rest, k| is_it(k).select(&element(1, pads, first + k), &rest));
    (of(0), of(n))
}

/// Number of axes that pads speaks of.
fn number_of_axes(x: &[Option<&Fact>], rank: usize) -> Result<usize> {
    match unknown(maybe(x, 3)) {
        Some(f) => {
            ensure!(f.dtype.is_int(), "operand axes is {f}, expected integers");
            vector_len(x, 3, "axes")
        }
        None => Ok(padded_axes(x, rank)?.len()),
    }
}

/// What is added before and after each axis, as expressions; `None` where nothing is.
fn expr_amounts(x: &[Option<&Fact>]) -> Result<Vec<Option<(Expr, Expr)>>> {
    let (data, pads) = (need(x, 0, "data")?, need(x, 1, "pads")?);
    if let Some(known) = fact_amounts(x)? {
        let both = |(b, e): (Dim, Dim)| (!b.is_zero() || !e.is_zero()).then(|| (Expr::size(&b), Expr::size(&e)));
        return Ok(known.into_iter().map(both).collect());
    }
    if let Some(axes) = unknown(maybe(x, 3)) {
        return Ok((0..data.rank()).map(|a| Some(amounts_of(a, pads, axes, data.rank()))).collect());
    }
    let on = padded_axes(x, data.rank())?;
    let mut out = vec![None; data.rank()];
    for (k, a) in on.iter().enumerate() {
        out[*a] = Some((element(1, pads, k), element(1, pads, on.len() + k)));
    }
    Ok(out)
}

impl Op for Pad {
    fn name(&self) -> &'static str {
        "Pad"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        PadAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(2, 4)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let mode = PadAttrs::read(c.attrs)?.mode;
        ensure!(
            ["constant", "reflect", "edge", "wrap"].contains(&&mode[..]),
            "mode is {mode:?}, expected constant, reflect, edge or wrap"
        );
        let data = need(x, 0, "data")?;
        let fits = maybe(x, 2).is_none_or(|value| value.dtype == data.dtype);
        ensure!(fits, "operand constant_value is {:?}, expected {}", maybe(x, 2).map(Fact::to_string), data.dtype);
        maybe(x, 2).map_or(Ok(()), |value| single("constant_value", value))?;
        let Some(pads) = fact_amounts(x)? else {
            let (n, on) = (vector_len(x, 1, "pads")?, number_of_axes(x, data.rank())?);
            ensure!(n == 2 * on, "operand pads has {n} elements, expected {}", 2 * on);
            return Ok(vec![Fact::new(data.dtype, (0..data.rank()).map(|a| c.fresh(a)))]);
        };
        let grow = |(d, (b, e)): (&Dim, (Dim, Dim))| d.clone() + b + e;
        let shape: Vec<Dim> = data.shape.iter().zip(pads).map(grow).collect();
        ensure!(
            !shape.iter().any(|d| d.as_const().is_some_and(|d| d < 0)),
            "operand pads takes off more than there is, expected a result of 0 or more along each axis"
        );
        let nothing = |(d, y): (&Dim, &Dim)| d.is_zero() && y.as_const().is_some_and(|y| y > 0);
        let empty = mode != "constant" && data.shape.iter().zip(&shape).any(nothing);
        ensure!(!empty, "operand data is {data}, expected an element along every axis that is padded by mode {mode}");
        Ok(vec![Fact::new(data.dtype, shape)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let mode = PadAttrs::read(c.attrs)?.mode;
        let (data, pads) = (need(x, 0, "data")?, need(x, 1, "pads")?);
        let fill = maybe(x, 2).map_or(Num::I(0), |t| t.at(0));
        let pads: Vec<i64> = pads.to_i64();
        let axes = maybe(x, 3).map(|t| t.to_i64());
        let pads = amounts(&pads, axes, data.rank())?;
        let shape: Vec<usize> =
            data.shape().iter().zip(&pads).map(|(d, (b, e))| (*d as i64 + b + e) as usize).collect();
        let mut out = vec![];
        for_each_index(&shape, |idx| {
            let mut at = Some(0);
            for (i, d) in data.shape().iter().enumerate() {
                let p = source(&mode, idx[i] as i64 - pads[i].0, *d as i64);
                at = at.zip(p).map(|(at, p)| at * d + p as usize);
            }
            out.push(at.map_or(fill, |at| data.at(at)));
        });
        Ok(vec![Tensor::new(data.dtype(), &shape, out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let mode = PadAttrs::read(c.attrs)?.mode;
        let data = need(x, 0, "data")?;
        let (mut index, mut guard, mut sizes, mut touched) = (vec![], Expr::bool(true), vec![], vec![]);
        for (i, (amount, d)) in expr_amounts(x)?.into_iter().zip(&data.shape).enumerate() {
            let Some((begin, end)) = amount else {
                index.push(Expr::var(i as u32));
                sizes.push(Expr::size(d));
                continue;
            };
            let p = Expr::var(i as u32).sub(&begin);
            sizes.push(Expr::size(d).add(&begin).add(&end).max(&Expr::int(0)));
            touched.push(d);
            if mode == "constant" {
                guard = guard.and(&p.within(d));
            }
            index.push(if mode == "constant" { p } else { source_expr(&mode, &p, d) });
        }
        let load = Expr::load(0, data, index);
        let fill = match maybe(x, 2) {
            Some(v) => Expr::load(2, v, vec![Expr::int(0); v.rank()]),
            None => Expr::num(Ty::of(data.dtype), 0.0),
        };
        let expr = if mode == "constant" { guard.select(&load, &fill) } else { guarded(touched, &load) };
        let fill = Lowering::Comps(vec![Comp::new(&y[0], expr)]);
        Ok(if fact_amounts(x)?.is_some() { fill } else { dynamic(c, &sizes, fill) })
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let ints = |v: &[i64]| Tensor::i64(&[v.len()], v);
        let mut out: Vec<Sample> = ["constant", "reflect", "edge", "wrap"]
            .iter()
            .map(|m| Sample::new(Attrs::new().with("mode", *m), vec![sample_floats(&[3, 4], 1), ints(&[1, 0, 2, 3])]))
            .collect();
        out.push(Sample::new(Attrs::new(), vec![sample_floats(&[4, 3], 1), ints(&[-1, 1, 0, -2])]));
        let x = vec![sample_floats(&[2, 3], 1), ints(&[1, 2]), Tensor::f32(&[], &[9.0]), ints(&[-1])];
        out.push(Sample::new(Attrs::new(), x));
        for d in [DType::U2, DType::F4E2M1] {
            let fill = Tensor::floats(d, &[], &[1.0]);
            out.push(Sample::new(Attrs::new(), vec![sample_narrow(d), ints(&[1, 0, 0, 2]), fill]));
        }
        out
    }
}

/// Position in an axis of size `d` that position `p` of the padded axis shows; `None` shows the constant.
fn source(mode: &str, p: i64, d: i64) -> Option<i64> {
    match mode {
        "edge" => Some(p.clamp(0, d - 1)),
        "wrap" => Some(p.rem_euclid(d)),
        "reflect" if d == 1 => Some(0),
        "reflect" => {
            let p = p.rem_euclid(2 * (d - 1));
            Some(if p < d { p } else { 2 * (d - 1) - p })
        }
        _ => (p >= 0 && p < d).then_some(p),
    }
}

fn source_expr(mode: &str, p: &Expr, d: &Dim) -> Expr {
    let (int, size) = (Expr::int, Expr::size);
    let modulo = |p: &Expr, m: &Expr| {
        let r = p.rem(m);
        r.lt(&int(0)).select(&r.add(m), &r)
    };
    match mode {
        "edge" => p.max(&int(0)).min(&size(&(d.clone() - 1.into()))),
        "wrap" => modulo(p, &size(d)),
        _ => {
            let period = (d.clone() - 1.into()) * 2.into();
            let p = modulo(p, &size(&period.max_of(&1.into())));
            p.lt(&size(d)).select(&p, &size(&period).sub(&p))
        }
    }
}
