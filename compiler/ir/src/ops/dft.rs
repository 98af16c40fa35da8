//! `DFT`: the discrete Fourier transform along one axis. <https://onnx.ai/onnx/operators/onnx__DFT.html>

use super::common::elementwise::sample_floats;
use super::common::expansion::{Expansion, wide};
use super::common::movement::{const_ints, dynamic, scalar, sizes};
use super::common::spectrum::{Transform, complex, turned, turned_expr};
use crate::lower::{Comp, Expr, Lowering, Monoid, Ty};
use crate::op::{axis, maybe, need, single};
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, Dim, Fact, Num, Op, Result, Sample, Tensor, Value, attrs, ensure};

attrs!(DftAttrs {
    /// The inverse transform, divided by the length.
    inverse: bool = false,
    /// Only the first half of the frequencies: of the result, or of the operand when inverse.
    onesided: bool = false,
});

pub struct Dft;

/// Sizes of one transform.
struct Plan {
    on: usize,
    inverse: bool,
    onesided: bool,
    /// Length of the transform.
    n: Dim,
    /// Number of elements summed.
    terms: Dim,
    /// Shape of the result.
    shape: Vec<Dim>,
}

fn plan(c: &Ctx, shape: &[Dim], length: Option<Dim>, on: i64) -> Result<Plan> {
    let DftAttrs { inverse, onesided } = DftAttrs::read(c.attrs)?;
    let rank = shape.len();
    ensure!(rank >= 2, "operand input has rank {rank}, expected 2 or more");
    let parts = &shape[rank - 1];
    ensure!(
        parts.as_const().is_none_or(|p| p == 1 || p == 2),
        "operand input has {parts} parts on its last axis, expected 1 or 2"
    );
    let on = axis(on, rank)?;
    ensure!(on + 1 < rank, "axis is {on}, expected another than the last one, which holds real and imaginary parts");
    let (d, half) = (&shape[on], |n: &Dim| n.div(&2.into()) + 1.into());
    let back = inverse && onesided;
    let n = length.unwrap_or_else(|| if back { (d.clone() - 1.into()) * 2.into() } else { d.clone() });
    ensure!(n.as_const().is_none_or(|n| n > 0), "operand dft_length is {n}, expected 1 or more");
    let mut out = shape.to_vec();
    out[on] = if onesided && !inverse { half(&n) } else { n.clone() };
    out[rank - 1] = if back { 1.into() } else { 2.into() };
    let terms = if back { half(&n) } else { n.clone() }.min_of(d);
    Ok(Plan { on, inverse, onesided, n, terms, shape: out })
}

/// The plan for these facts; a length that only data gives is the first fresh symbol.
fn of_facts(c: &Ctx, x: &[Option<&Fact>]) -> Result<Plan> {
    for (i, name) in [(1, "dft_length"), (2, "axis")] {
        maybe(x, i).map_or(Ok(()), |f| single(name, f))?;
    }
    let length = maybe(x, 1).map(|f| f.as_dims().and_then(|v| v.first().cloned()).unwrap_or_else(|| c.fresh(0)));
    let on = const_ints(x, 2, "axis")?.and_then(|v| v.first().copied()).unwrap_or(-2);
    plan(c, &need(x, 0, "input")?.shape, length, on)
}

impl Plan {
    /// The transform, if all of its sizes are known and small.
    fn transform(&self, parts: &Dim) -> Option<Transform> {
        let size = |d: &Dim| d.as_const().and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0);
        let (bins, results) = (size(&self.shape[self.on])?, size(self.shape.last()?)?);
        let sign = if self.inverse { 1.0 } else { -1.0 };
        let (n, terms, parts) = (size(&self.n)?, size(&self.terms)?, size(parts)?);
        let t = Transform { n, terms, parts, bins, results, sign };
        (t.is_whole() || self.is_stepped(&t)).then_some(t)
    }

    /// Whether the transform is done in steps: a one-sided inverse is not.
    fn is_stepped(&self, t: &Transform) -> bool {
        t.has_steps() && !(self.inverse && self.onesided)
    }

    /// Factor of element `t`.
    fn weight(&self, t: usize, n: usize) -> f64 {
        // The half that a one-sided inverse does not get is the conjugate of the other.
        let twice = self.inverse && self.onesided && t > 0 && 2 * t != n;
        (if twice { 2.0 } else { 1.0 }) * (if self.inverse { 1.0 / n as f64 } else { 1.0 })
    }

    /// The transform as products with matrices; the operands are those of the operator.
    fn products(&self, t: &Transform, x: &[Option<&Fact>], y: &Fact) -> Result<Lowering> {
        let mut e = Expansion::of(x);
        let v = e.x(0)?;
        let mut v = e.cast(v, wide(y.dtype))?;
        if need(x, 0, "input")?.shape[self.on] != self.terms {
            v = e.first(v, self.on, t.terms)?;
        }
        // The axis goes before the parts.
        let axes: Vec<i64> = (0..self.shape.len() as i64).collect();
        let (mut there, mut back) = (axes.clone(), axes);
        there[self.on..self.shape.len() - 1].rotate_left(1);
        back[self.on..self.shape.len() - 1].rotate_right(1);
        v = e.turned(v, &there)?;
        v = if self.is_stepped(t) { self.by_steps(&mut e, t, v)? } else { self.by_matrix(&mut e, t, v)? };
        v = e.turned(v, &back)?;
        let v = e.cast(v, y.dtype)?;
        Ok(e.done(&[v]))
    }

    /// `[.., terms, parts]` to `[.., bins, results]`.
    fn by_matrix(&self, e: &mut Expansion, t: &Transform, v: Value) -> Result<Value> {
        let kept = vec![0; self.shape.len() - 2];
        let m = e.constant(t.matrix(e.fact(v).dtype, |i| self.weight(i, t.n)));
        let rows = e.shaped(v, &[&kept[..], &[(t.terms * t.parts) as i64]].concat())?;
        let v = e.op("MatMul", &[rows, m])?;
        e.shaped(v, &[&kept[..], &[t.bins as i64, t.results as i64]].concat())
    }

    /// `[.., n, parts]` to `[.., bins, 2]`.
    fn by_steps(&self, e: &mut Expansion, t: &Transform, v: Value) -> Result<Value> {
        let kept = e.with("Shape", Attrs::new().with("end", -2i64), &[v])?;
        let rows = e.shaped(v, &[-1, t.n as i64, t.parts as i64])?;
        let mut all = t.in_steps(e, rows, self.weight(0, t.n))?;
        if t.bins < t.n {
            all = e.first(all, 1, t.bins)?;
        }
        let last = e.ints(&[t.bins as i64, 2]);
        let shape = e.with("Concat", Attrs::new().with("axis", 0i64), &[kept, last])?;
        e.reshape(all, shape)
    }
}

impl Op for Dft {
    fn name(&self) -> &'static str {
        "DFT"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        DftAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(1, 3)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let data = need(x, 0, "input")?;
        ensure!(data.dtype.is_float(), "operand input is {data}, expected floats");
        Ok(vec![Fact::new(data.dtype, of_facts(c, x)?.shape)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let data = need(x, 0, "input")?;
        let first = |i: usize| maybe(x, i).map(|t| t.at(0).i() as i64);
        let p = plan(c, &data.type_fact().shape, first(1).map(Dim::from), first(2).unwrap_or(-2))?;
        let (n, terms) = (sizes(std::slice::from_ref(&p.n))[0], sizes(std::slice::from_ref(&p.terms))[0]);
        let (shape, strides, last) = (sizes(&p.shape), data.strides(), data.rank() - 1);
        let (sign, scale) = if p.inverse { (1.0, 1.0 / n as f64) } else { (-1.0, 1.0) };
        let both = data.shape()[last] == 2;
        let mut out = vec![];
        for_each_index(&shape, |idx| {
            let base: usize = (0..last).filter(|a| *a != p.on).map(|a| idx[a] * strides[a]).sum();
            let mut sum = 0.0;
            for t in 0..terms {
                let at = base + t * strides[p.on];
                let z = (data.at(at).f(), if both { data.at(at + 1).f() } else { 0.0 });
                let (re, im) = turned(z, idx[p.on], t, n, sign);
                // The half that a one-sided inverse does not get is the conjugate of the other.
                let twice = p.inverse && p.onesided && t > 0 && 2 * t != n;
                sum += if idx[last] == 0 { re } else { im } * if twice { 2.0 } else { 1.0 };
            }
            out.push(Num::F(sum * scale));
        });
        Ok(vec![Tensor::new(data.dtype(), &shape, out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (data, p) = (need(x, 0, "input")?, of_facts(c, x)?);
        if let Some(t) = p.transform(&data.shape[data.rank() - 1]) {
            return p.products(&t, x, &y[0]);
        }
        let (v, rank) = (Expr::vars(data.rank() + 1), data.rank());
        let (t, last) = (&v[rank], rank - 1);
        let mut index = v[..last].to_vec();
        index[p.on] = t.clone();
        let f = |v: f64| Expr::num(Ty::F64, v);
        let sign = if p.inverse { 1.0 } else { -1.0 };
        let (re, im) = turned_expr(complex(0, data, &index), &v[p.on], t, &p.n, sign);
        let n = Expr::size(&p.n);
        let value = match p.inverse && p.onesided {
            true => {
                let once = t.eq(&Expr::int(0)).or(&t.mul(&Expr::int(2)).eq(&n));
                re.mul(&once.select(&f(1.0), &f(2.0)))
            }
            false => v[last].eq(&Expr::int(0)).select(&re, &im),
        };
        let sum = Expr::reduce(Monoid::Sum, vec![(rank as u32, p.terms.clone())], value);
        let sum = if p.inverse { sum.div(&n.cast(Ty::F64)) } else { sum };
        let fill = Lowering::Comps(vec![Comp::new(&y[0], sum.cast(Ty::of(data.dtype)))]);
        Ok(match maybe(x, 1).filter(|f| f.as_dims().is_none()) {
            Some(f) => dynamic(c, &[scalar(1, f).max(&Expr::int(1))], fill),
            None => fill,
        })
    }
    fn samples(&self) -> Vec<Sample> {
        let of = |a: &Attrs, shape: &[usize], n: Option<i64>, on: Option<i64>| {
            let one = |v: i64| Tensor::i64(&[], &[v]);
            Sample { x: vec![Some(sample_floats(shape, 1)), n.map(one), on.map(one)], ..Sample::new(a.clone(), vec![]) }
        };
        let (plain, half) = (Attrs::new(), Attrs::new().with("onesided", 1i64));
        let (inverse, back) = (Attrs::new().with("inverse", 1i64), half.clone().with("inverse", 1i64));
        vec![
            of(&plain, &[2, 5, 1], None, None),
            of(&plain, &[2, 4, 3, 2], Some(6), Some(1)),
            of(&plain, &[1, 7, 2], Some(4), None),
            of(&half, &[2, 6, 1], None, Some(-2)),
            of(&inverse, &[2, 5, 2], None, None),
            of(&back, &[2, 4, 2], None, None),
            of(&back, &[1, 3, 2], Some(5), Some(1)),
            of(&half, &[2, 264, 1], None, None),
        ]
    }
}
