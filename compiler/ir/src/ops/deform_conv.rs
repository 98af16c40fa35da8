//! `DeformConv`: a 2-D convolution whose taps are moved by data and weighted by a mask.
//! <https://onnx.ai/onnx/operators/onnx__DeformConv.html>

use super::common::elementwise::sample_floats;
use super::common::movement::unify;
use super::common::window::Window;
use crate::infer::same_dtype;
use crate::lower::{Comp, Expr, Lowering, Monoid, Ty, Un};
use crate::op::{maybe, need};
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(DeformConvAttrs {
    /// Step between taps; empty is 1.
    dilations: Vec<i64> = vec![],
    /// Number of groups of channels that are convolved apart.
    group: i64 = 1,
    /// Extent of the kernel; that of W.
    kernel_shape: Vec<i64> = vec![],
    /// Number of groups of channels that have offsets of their own.
    offset_group: i64 = 1,
    /// Padding, begins then ends; empty is 0.
    pads: Vec<i64> = vec![],
    /// Step between outputs; empty is 1.
    strides: Vec<i64> = vec![],
});

pub struct DeformConv;

/// The window, the output's sizes and the numbers of groups.
struct Setup {
    window: Window,
    out: Vec<Dim>,
    group: i64,
    offset_group: i64,
}

fn setup(c: &Ctx, x: &[Dim], w: &[Dim]) -> Result<Setup> {
    let a = DeformConvAttrs::read(c.attrs)?;
    ensure!(x.len() == 4 && w.len() == 4, "operands X and W have ranks {} and {}, expected 4", x.len(), w.len());
    for (k, d) in a.kernel_shape.iter().zip(&w[2..]) {
        unify(&(*k).into(), d)?;
    }
    ensure!(
        a.group > 0 && a.offset_group > 0,
        "attributes group and offset_group are {} and {}, expected positive numbers",
        a.group,
        a.offset_group
    );
    for (d, n, name) in [(&x[1], a.offset_group, "offset_group"), (&w[0], a.group, "group")] {
        ensure!(d.as_const().is_none_or(|d| d % n == 0), "attribute {name} is {n}, expected a divisor of {d} channels");
    }
    let window = Window::new(&x[2..], &w[2..], &a.strides, &a.dilations, &a.pads, "NOTSET")?;
    let out = window.output(&x[2..], false);
    for d in &out {
        ensure!(
            d.as_const().is_none_or(|d| d >= 0),
            "operand W is larger than the padded operand X, expected a kernel that fits"
        );
    }
    Ok(Setup { window, out, group: a.group, offset_group: a.offset_group })
}

/// The value between pixels of a plane; zero outside.
fn bilinear(plane: impl Fn(usize, usize) -> f64, d: [usize; 2], at: [f64; 2]) -> f64 {
    let low = at.map(f64::floor);
    let mut sum = 0.0;
    for (i, j) in [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)] {
        let (y, x) = (low[0] + i, low[1] + j);
        if y >= 0.0 && x >= 0.0 && y < d[0] as f64 && x < d[1] as f64 {
            let weight = (1.0 - (at[0] - y).abs()) * (1.0 - (at[1] - x).abs());
            sum += weight * plane(y as usize, x as usize);
        }
    }
    sum
}

impl Op for DeformConv {
    fn name(&self) -> &'static str {
        "DeformConv"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        DeformConvAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(3, 5)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (data, w, offset) = (need(x, 0, "X")?, need(x, 1, "W")?, need(x, 2, "offset")?);
        ensure!(data.dtype.is_float(), "operand X is {data}, expected floats");
        same_dtype(&x.iter().flatten().copied().collect::<Vec<_>>())?;
        let s = setup(c, &data.shape, &w.shape)?;
        unify(&data.shape[1], &(w.shape[1].clone() * s.group.into()))?;
        let taps = w.shape[2].clone() * w.shape[3].clone() * s.offset_group.into();
        let expect = |f: &Fact, channels: Dim| -> Result<()> {
            ensure!(f.rank() == 4, "operand is {f}, expected rank 4");
            let want = [data.shape[0].clone(), channels, s.out[0].clone(), s.out[1].clone()];
            f.shape.iter().zip(&want).try_for_each(|(a, b)| unify(a, b).map(drop))
        };
        expect(offset, taps.clone() * 2.into())?;
        maybe(x, 4).map_or(Ok(()), |mask| expect(mask, taps))?;
        if let Some(b) = maybe(x, 3) {
            ensure!(b.rank() == 1, "operand B is {b}, expected a vector");
            unify(&b.shape[0], &w.shape[0])?;
        }
        Ok(vec![Fact::new(data.dtype, [data.shape[0].clone(), w.shape[0].clone()].into_iter().chain(s.out))])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (data, w, offset) = (need(x, 0, "X")?, need(x, 1, "W")?, need(x, 2, "offset")?);
        let (bias, mask) = (maybe(x, 3), maybe(x, 4));
        let s = setup(c, &data.type_fact().shape, &w.type_fact().shape)?;
        let out: Vec<usize> = super::common::movement::sizes(&s.out);
        let (d, k) = (data.shape(), w.shape());
        let shape = [d[0], k[0], out[0], out[1]];
        let (per_group, per_offset) = (k[0] / s.group as usize, d[1] / s.offset_group as usize);
        let taps = k[2] * k[3];
        let mut y = vec![];
        for_each_index(&shape, |idx| {
            let map = |t: &Tensor, channel: usize| {
                t.at(((idx[0] * t.shape()[1] + channel) * out[0] + idx[2]) * out[1] + idx[3]).f()
            };
            let mut sum = bias.map_or(0.0, |b| b.at(idx[1]).f());
            for_each_index(&k[1..], |tap| {
                let channel = idx[1] / per_group * k[1] + tap[0];
                let t = channel / per_offset * taps + tap[1] * k[3] + tap[2];
                let at = [0, 1].map(|a| {
                    let begin = s.window.begin[a].as_const().unwrap_or(0);
                    let p = idx[2 + a] as i64 * s.window.strides[a] + tap[1 + a] as i64 * s.window.dilations[a] - begin;
                    p as f64 + map(offset, 2 * t + a)
                });
                let plane = |i: usize, j: usize| data.at(((idx[0] * d[1] + channel) * d[2] + i) * d[3] + j).f();
                let weight = w.at(((idx[1] * k[1] + tap[0]) * k[2] + tap[1]) * k[3] + tap[2]).f();
                sum += weight * mask.map_or(1.0, |m| map(m, t)) * bilinear(plane, [d[2], d[3]], at);
            });
            y.push(Num::F(sum));
        });
        Ok(vec![Tensor::new(data.dtype(), &shape, y)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (data, w, offset) = (need(x, 0, "X")?, need(x, 1, "W")?, need(x, 2, "offset")?);
        let s = setup(c, &data.shape, &w.shape)?;
        let v = Expr::vars(7);
        let size = |d: &Dim| Expr::size(d);
        let per_group = size(&w.shape[0].div(&s.group.into()));
        let per_offset = size(&data.shape[1].div(&s.offset_group.into()));
        let channel = v[1].div(&per_group).mul(&size(&w.shape[1])).add(&v[4]);
        let tap = channel.div(&per_offset).mul(&size(&w.shape[2])).add(&v[5]).mul(&size(&w.shape[3])).add(&v[6]);
        let map = |i: usize, f: &Fact, channel: Expr| {
            Expr::load(i, f, vec![v[0].clone(), channel, v[2].clone(), v[3].clone()])
        };
        let at = [0, 1].map(|a| {
            let moved = map(2, offset, tap.mul(&Expr::int(2)).add(&Expr::int(a as i64)));
            s.window.position(a, &v[2 + a], &v[5 + a]).cast(Ty::F64).add(&moved.cast(Ty::F64))
        });
        let ty = Ty::of(data.dtype);
        let mut term = bilinear_expr(data, &v[0], &channel, &at).cast(ty);
        if let Some(m) = maybe(x, 4) {
            term = term.mul(&map(4, m, tap));
        }
        let weight = Expr::load(1, w, vec![v[1].clone(), v[4].clone(), v[5].clone(), v[6].clone()]);
        let over = (4..).zip(w.shape[1..].iter().cloned()).collect();
        let sum = Expr::reduce(Monoid::Sum, over, term.mul(&weight));
        let sum = maybe(x, 3).map_or(sum.clone(), |b| sum.add(&Expr::load(3, b, vec![v[1].clone()])));
        Ok(Lowering::Comps(vec![Comp::new(&y[0], sum)]))
    }
    fn samples(&self) -> Vec<Sample> {
        let f = sample_floats;
        let a = Attrs::new().with("kernel_shape", vec![2i64, 2]);
        let moved = a.clone().with("pads", vec![1i64, 0, 1, 0]).with("strides", vec![2i64, 1]);
        let groups = Attrs::new().with("group", 2i64).with("offset_group", 2i64).with("dilations", vec![2i64, 1]);
        let plain = vec![f(&[1, 1, 3, 3], 1), f(&[1, 1, 2, 2], 2), f(&[1, 8, 2, 2], 3)];
        let full = vec![f(&[2, 1, 3, 4], 1), f(&[2, 1, 2, 2], 2), f(&[2, 8, 2, 3], 3), f(&[2], 4), f(&[2, 4, 2, 3], 5)];
        let apart = vec![f(&[1, 2, 4, 3], 1), f(&[2, 1, 2, 2], 2), f(&[1, 16, 2, 2], 3)];
        vec![Sample::new(a, plain), Sample::new(moved, full), Sample::new(groups, apart)]
    }
}

fn bilinear_expr(x: &Fact, image: &Expr, channel: &Expr, at: &[Expr; 2]) -> Expr {
    let zero = Expr::num(Ty::F64, 0.0);
    let low = [0, 1].map(|a| at[a].un(Un::Floor).cast(Ty::I64));
    let corner = |i: i64, j: i64| {
        let p = [low[0].add(&Expr::int(i)), low[1].add(&Expr::int(j))];
        let weight = |a: usize| Expr::num(Ty::F64, 1.0).sub(&at[a].sub(&p[a].cast(Ty::F64)).un(Un::Abs));
        let load = Expr::load(0, x, vec![image.clone(), channel.clone(), p[0].clone(), p[1].clone()]).cast(Ty::F64);
        let inside = p[0].within(&x.shape[2]).and(&p[1].within(&x.shape[3]));
        inside.select(&weight(0).mul(&weight(1)).mul(&load), &zero)
    };
    corner(0, 0).add(&corner(0, 1)).add(&corner(1, 0)).add(&corner(1, 1))
}
