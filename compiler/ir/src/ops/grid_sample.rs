//! `GridSample`: the operand at positions of a grid in `-1..1`. <https://onnx.ai/onnx/operators/onnx__GridSample.html>

use super::common::elementwise::sample_floats;
use super::common::movement::{guarded, unify};
use super::common::resample::{Coordinates, MODES, Mode, Nearest, Sampling, named, weight};
use super::common::resample_expr::{real, sum, weight_of};
use crate::lower::{Comp, Expr, Lowering, Ty, Un};
use crate::op::need;
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(GridSampleAttrs {
    /// Whether -1 and 1 are the centers of the outer pixels (true) or their outer edges.
    align_corners: bool = false,
    /// linear, nearest or cubic.
    mode: String = "linear".into(),
    /// zeros, border or reflection: what is outside of the operand.
    padding_mode: String = "zeros".into(),
});

pub struct GridSample;

#[derive(Clone, Copy, PartialEq)]
enum Outside {
    Zeros,
    Border,
    Reflection,
}

/// The attributes with their names resolved.
#[derive(Clone, Copy)]
struct Setup {
    sampling: Sampling,
    outside: Outside,
    align: bool,
}

fn setup(c: &Ctx) -> Result<Setup> {
    let a = GridSampleAttrs::read(c.attrs)?;
    let table = [("zeros", Outside::Zeros), ("border", Outside::Border), ("reflection", Outside::Reflection)];
    let sampling = Sampling {
        mode: named("mode", &a.mode, MODES)?,
        coordinates: Coordinates::HalfPixel,
        nearest: Nearest::Floor,
        antialias: false,
        exclude_outside: false,
        a: -0.75,
    };
    Ok(Setup { sampling, outside: named("padding_mode", &a.padding_mode, &table)?, align: a.align_corners })
}

impl Setup {
    /// Position among `d` elements of `v` in `-1..1`.
    fn source(&self, v: f64, d: f64) -> f64 {
        let x = if self.align { (v + 1.0) / 2.0 * (d - 1.0) } else { ((v + 1.0) * d - 1.0) / 2.0 };
        self.folded(if self.sampling.mode == Mode::Nearest { x.round_ties_even() } else { x }, d)
    }

    fn limits(&self, d: f64) -> (f64, f64) {
        if self.align { (0.0, d - 1.0) } else { (-0.5, d - 0.5) }
    }

    /// A position outside of the limits brought inside, but for zeros.
    fn folded(&self, x: f64, d: f64) -> f64 {
        let (lo, hi) = self.limits(d);
        match self.outside {
            _ if x >= lo && x <= hi => x,
            Outside::Zeros => x,
            Outside::Border => x.max(0.0).min(d - 1.0),
            Outside::Reflection if hi <= lo => 0.0,
            Outside::Reflection => {
                let t = (x - lo).abs();
                let q = (t / (hi - lo)).floor();
                let r = t - q * (hi - lo);
                if q % 2.0 == 0.0 { lo + r } else { hi - r }
            }
        }
    }

    /// The element that position `i` shows; `None` is zero.
    fn element(&self, i: f64, d: f64) -> Option<usize> {
        let i = self.folded(i, d);
        let i = if self.outside == Outside::Zeros { i } else { i.max(0.0).min(d - 1.0) };
        (i >= 0.0 && i < d).then_some(i as usize)
    }

    /// The elements and weights that make the value at `x`.
    fn taps(&self, x: f64, d: f64) -> Vec<(Option<usize>, f64)> {
        let reach = match self.sampling.mode {
            Mode::Nearest => return vec![(self.element(x.trunc(), d), 1.0)],
            Mode::Linear => 1.0,
            Mode::Cubic => 2.0,
        };
        let tap = |t: usize| {
            let i = x.floor() - reach + 1.0 + t as f64;
            (self.element(i, d), weight(&self.sampling, i - x))
        };
        (0..2 * reach as usize).map(tap).collect()
    }
}

impl Op for GridSample {
    fn name(&self) -> &'static str {
        "GridSample"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        GridSampleAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        setup(c)?;
        let (x, grid) = (need(x, 0, "X")?, need(x, 1, "grid")?);
        ensure!(x.dtype.is_float() && grid.dtype.is_float(), "operands are {x} and {grid}, expected floats");
        ensure!(x.rank() > 2 && grid.rank() == x.rank(), "operands are {x} and {grid}, expected one rank above 2");
        unify(&grid.shape[grid.rank() - 1], &(x.rank() - 2).into())?;
        let batch = unify(&x.shape[0], &grid.shape[0])?;
        let spatial = grid.shape[1..grid.rank() - 1].iter().cloned();
        Ok(vec![Fact::new(x.dtype, [batch, x.shape[1].clone()].into_iter().chain(spatial))])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (x, grid) = (need(x, 0, "X")?, need(x, 1, "grid")?);
        let (s, k) = (setup(c)?, x.rank() - 2);
        let mut shape = x.shape()[..2].to_vec();
        shape.extend_from_slice(&grid.shape()[1..=k]);
        let (strides, rows, mut out) = (x.strides(), grid.strides(), vec![]);
        for_each_index(&shape, |idx| {
            let row: usize = idx[0] * rows[0] + (1..=k).map(|a| idx[a + 1] * rows[a]).sum::<usize>();
            let mut terms = vec![(Some(idx[0] * strides[0] + idx[1] * strides[1]), 1.0)];
            for a in 0..k {
                let d = x.shape()[2 + a] as f64;
                let taps = s.taps(s.source(grid.at(row + k - 1 - a).f(), d), d);
                let step = strides[2 + a];
                let join = |(base, w): (Option<usize>, f64)| {
                    let taps = taps.clone();
                    taps.into_iter().map(move |(i, v)| (base.zip(i).map(|(b, i)| b + i * step), w * v))
                };
                terms = terms.into_iter().flat_map(join).collect();
            }
            out.push(Num::F(terms.iter().map(|(at, w)| at.map_or(0.0, |at| x.at(at).f() * w)).sum()));
        });
        Ok(vec![Tensor::new(x.dtype(), &shape, out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (x, grid) = (need(x, 0, "X")?, need(x, 1, "grid")?);
        let (s, k) = (setup(c)?, x.rank() - 2);
        let vars = Expr::vars(y[0].rank());
        let position = |a: usize| {
            let mut at = vec![vars[0].clone()];
            at.extend_from_slice(&vars[2..]);
            at.push(Expr::int((k - 1 - a) as i64));
            s.source_expr(&Expr::load(1, grid, at).cast(Ty::F64), &x.shape[2 + a])
        };
        let positions: Vec<Expr> = (0..k).map(position).collect();
        let value = s.blend(x, &positions, vars[..2].to_vec(), Expr::bool(true), y[0].rank() as u32);
        Ok(Lowering::Comps(vec![Comp::new(&y[0], value)]))
    }
    fn samples(&self) -> Vec<Sample> {
        let mut out = vec![];
        for mode in ["linear", "nearest", "cubic"] {
            for (i, padding) in ["zeros", "border", "reflection"].iter().enumerate() {
                for align in [false, true] {
                    let a = Attrs::new().with("mode", mode).with("padding_mode", *padding).with("align_corners", align);
                    let grid = sample_floats(&[2, 2, 2, 2], i as u32 + 5);
                    let grid = Tensor::f32(grid.shape(), &grid.to_f32().iter().map(|v| v * 0.6).collect::<Vec<_>>());
                    out.push(Sample::new(a, vec![sample_floats(&[2, 1, 3, 4], 1), grid]));
                }
            }
        }
        let small = Tensor::f32(&[1, 1, 2, 1, 3], &[0.1, -0.5, 0.9, -1.2, 0.3, 0.0]);
        out.push(Sample::new(Attrs::new(), vec![sample_floats(&[1, 2, 2, 3, 2], 4), small]));
        out
    }
}

fn f(v: f64) -> Expr {
    Expr::num(Ty::F64, v)
}

impl Setup {
    fn source_expr(&self, v: &Expr, d: &Dim) -> Expr {
        let (n, one, two) = (real(d), f(1.0), f(2.0));
        let x = match self.align {
            true => v.add(&one).div(&two).mul(&n.sub(&one)),
            false => v.add(&one).mul(&n).sub(&one).div(&two),
        };
        self.folded_expr(&if self.sampling.mode == Mode::Nearest { x.un(Un::Round) } else { x }, d)
    }

    fn folded_expr(&self, x: &Expr, d: &Dim) -> Expr {
        let last = real(d).sub(&f(1.0));
        let (lo, hi) = if self.align { (f(0.0), last.clone()) } else { (f(-0.5), real(d).sub(&f(0.5))) };
        let inside = x.ge(&lo).and(&x.le(&hi));
        let folded = match self.outside {
            Outside::Zeros => return x.clone(),
            Outside::Border => x.max(&f(0.0)).min(&last),
            Outside::Reflection => {
                let (t, span) = (x.sub(&lo).un(Un::Abs), hi.sub(&lo));
                let q = t.div(&span).un(Un::Floor);
                let r = t.sub(&q.mul(&span));
                let even = q.rem(&f(2.0)).eq(&f(0.0));
                hi.le(&lo).select(&f(0.0), &even.select(&lo.add(&r), &hi.sub(&r)))
            }
        };
        inside.select(x, &folded)
    }

    /// The element that position `i` (F64) shows, and whether there is one.
    fn element_expr(&self, i: &Expr, d: &Dim) -> (Expr, Option<Expr>) {
        let i = self.folded_expr(i, d).cast(Ty::I64);
        match self.outside {
            Outside::Zeros => (i.clone(), Some(i.within(d))),
            _ => (i.min(&Expr::size(&(d.clone() - 1.into()))).max(&Expr::int(0)), None),
        }
    }

    /// Sum over the taps of the axes that are not in `index` yet.
    fn blend(&self, x: &Fact, positions: &[Expr], index: Vec<Expr>, inside: Expr, var: u32) -> Expr {
        let ty = Ty::of(x.dtype);
        let a = index.len() - 2;
        let Some(at) = positions.get(a) else {
            let load = guarded(&x.shape[2..], &Expr::load(0, x, index));
            return inside.select(&load, &load.like(0.0));
        };
        let d = &x.shape[2 + a];
        let part = |i: &Expr| {
            let (i, within) = self.element_expr(i, d);
            let index = index.iter().cloned().chain([i]).collect();
            let inside = within.map_or(inside.clone(), |w| inside.and(&w));
            self.blend(x, positions, index, inside, var + 1)
        };
        let reach = match self.sampling.mode {
            Mode::Nearest => return part(&at.un(Un::Trunc)),
            Mode::Linear => 1,
            Mode::Cubic => 2,
        };
        let first = at.un(Un::Floor).sub(&f(reach as f64 - 1.0));
        sum(&(2 * reach).into(), var, &|t: &Expr| {
            let i = first.add(&t.cast(Ty::F64));
            part(&i).mul(&weight_of(&self.sampling, &i.sub(at).un(Un::Abs)).cast(ty))
        })
    }
}
