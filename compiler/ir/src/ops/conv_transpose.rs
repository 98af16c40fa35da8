//! `ConvTranspose`: `y[b,o,q*stride + t*dilation - pad] += x[b,c,q] * w[c,o,t]`, plus bias, in groups.
//! <https://onnx.ai/onnx/operators/onnx__ConvTranspose.html>

use super::common::contract::sum_type;
use super::common::elementwise::sample_floats;
use super::common::phases::Transposed;
use crate::infer::same_dtype;
use crate::lower::{Contract, Expr, Lowering, Ty};
use crate::op::{maybe, need};
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, Dim, Fact, Graph, Num, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(ConvTransposeAttrs {
    /// `NOTSET`, `SAME_UPPER`, `SAME_LOWER` or `VALID`.
    auto_pad: String = "NOTSET".into(),
    /// Step between taps along each spatial axis.
    dilations: Vec<i64> = vec![],
    /// Number of blocked channel groups.
    group: i64 = 1,
    /// Extent of the kernel; inferred from W when absent.
    kernel_shape: Vec<i64> = vec![],
    /// Elements added at the end of each spatial axis of the result.
    output_padding: Vec<i64> = vec![],
    /// Spatial sizes of the result; the padding follows from them.
    output_shape: Vec<i64> = vec![],
    /// Elements taken off the result: begins, then ends.
    pads: Vec<i64> = vec![],
    /// Step of the window along each spatial axis.
    strides: Vec<i64> = vec![],
});

pub struct ConvTranspose;

/// Everything resolved to one value per spatial axis.
struct Plan {
    strides: Vec<i64>,
    dilations: Vec<i64>,
    begin: Vec<Dim>,
    out: Vec<Dim>,
}

fn per_axis(v: &[i64], n: usize, default: i64, what: &str) -> Result<Vec<i64>> {
    let v = if v.is_empty() { vec![default; n] } else { v.to_vec() };
    ensure!(
        v.len() == n && v.iter().all(|s| *s >= default),
        "attribute {what} is {v:?}, expected {n} numbers from {default}"
    );
    Ok(v)
}

fn plan(a: &ConvTransposeAttrs, x: &[Dim], w: &[Dim]) -> Result<Plan> {
    ensure!(
        x.len() >= 3 && w.len() == x.len(),
        "operand X has rank {} and W rank {}, expected 3 or more",
        x.len(),
        w.len()
    );
    let n = x.len() - 2;
    let agree = a.kernel_shape.iter().zip(&w[2..]).all(|(k, d)| d.as_const().is_none_or(|d| d == *k));
    ensure!(agree, "attribute kernel_shape is {:?}, expected the last sizes of operand W", a.kernel_shape);
    let strides = per_axis(&a.strides, n, 1, "strides")?;
    let dilations = per_axis(&a.dilations, n, 1, "dilations")?;
    let added = per_axis(&a.output_padding, n, 0, "output_padding")?;
    let pads = per_axis(&a.pads, 2 * n, 0, "pads")?;
    ensure!(
        a.output_shape.is_empty() || a.output_shape.len() == n,
        "attribute output_shape is {:?}, expected {n} numbers",
        a.output_shape
    );
    let (mut begin, mut out) = (vec![], vec![]);
    for i in 0..n {
        let extent = (w[2 + i].clone() - 1.into()) * dilations[i].into() + 1.into();
        let full = (x[2 + i].clone() - 1.into()) * strides[i].into() + added[i].into() + extent;
        let same = x[2 + i].clone() * strides[i].into();
        let size = match (a.output_shape.get(i), a.auto_pad.as_str()) {
            (Some(d), _) => Some((*d).into()),
            (None, "SAME_UPPER" | "SAME_LOWER") => Some(same),
            (None, "NOTSET" | "" | "VALID") => None,
            (None, other) => bail!("auto_pad is {other:?}, expected NOTSET, SAME_UPPER, SAME_LOWER or VALID"),
        };
        let (b, d) = match size {
            Some(d) => {
                let total = (full - d.clone()).max_of(&0.into());
                let half = total.div(&2.into());
                (if a.auto_pad == "SAME_UPPER" { half } else { total - half }, d)
            }
            None if a.auto_pad == "VALID" => (0.into(), full),
            None => (pads[i].into(), full - pads[i].into() - pads[n + i].into()),
        };
        if let Some(d) = d.as_const().filter(|d| *d < 0) {
            bail!("a result has an axis of size {d}, expected 0 or more: the padding is larger than it");
        }
        begin.push(b);
        out.push(d);
    }
    Ok(Plan { strides, dilations, begin, out })
}

impl Op for ConvTranspose {
    fn name(&self) -> &'static str {
        "ConvTranspose"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        ConvTransposeAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(2, 3)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let a = ConvTransposeAttrs::read(c.attrs)?;
        let (x, w, b) = (need(x, 0, "X")?, need(x, 1, "W")?, maybe(x, 2));
        same_dtype(&[x, w])?;
        ensure!(a.group > 0, "group is {}, expected a positive number", a.group);
        let p = plan(&a, &x.shape, &w.shape)?;
        if let (Some(c), Some(d)) = (x.shape[1].as_const(), w.shape[0].as_const()) {
            ensure!(
                c == d && c % a.group == 0,
                "operand X has {c} channels and W {d}, expected as many in {} groups",
                a.group
            );
        }
        let filters = w.shape[1].clone() * a.group.into();
        if let Some(b) = b {
            let fits =
                b.rank() == 1 && (b.len() == filters || b.len().as_const().is_none() || filters.as_const().is_none());
            ensure!(fits, "operand B is {b}, expected [{filters}]");
        }
        Ok(vec![Fact::new(x.dtype, [x.shape[0].clone(), filters].into_iter().chain(p.out))])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let a = ConvTransposeAttrs::read(c.attrs)?;
        let (x, w, b) = (need(x, 0, "X")?, need(x, 1, "W")?, maybe(x, 2));
        let p = plan(&a, &x.type_fact().shape, &w.type_fact().shape)?;
        let get = |d: &Dim| d.as_const().unwrap_or(0);
        let out: Vec<usize> = p.out.iter().map(|d| get(d) as usize).collect();
        let (group, per, plane) = (a.group as usize, w.shape()[1], out.iter().product::<usize>());
        let (filters, channels) = (per * group, x.shape()[1]);
        let mut sums = vec![0.0; x.shape()[0] * filters * plane];
        let taps = [&[per], &w.shape()[2..]].concat();
        let mut at = 0;
        for_each_index(x.shape(), |q| {
            let (value, channel) = (x.at(at).f(), q[1]);
            at += 1;
            let mut tap = channel * taps.iter().product::<usize>();
            for_each_index(&taps, |t| {
                let filter = channel / (channels / group) * per + t[0];
                let mut to = Some(q[0] * filters + filter);
                for i in 0..out.len() {
                    let place = q[2 + i] as i64 * p.strides[i] + t[1 + i] as i64 * p.dilations[i] - get(&p.begin[i]);
                    let inside = place >= 0 && place < out[i] as i64;
                    to = to.filter(|_| inside).map(|to| to * out[i] + place as usize);
                }
                if let Some(to) = to {
                    sums[to] += value * w.at(tap).f();
                }
                tap += 1;
            });
        });
        let biased = sums.iter().enumerate().map(|(i, s)| Num::F(s + b.map_or(0.0, |b| b.at(i / plane % filters).f())));
        let shape = [&[x.shape()[0], filters], &out[..]].concat();
        Ok(vec![Tensor::new(x.dtype(), &shape, biased)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (a, xf, w) = (ConvTransposeAttrs::read(c.attrs)?, need(x, 0, "X")?, need(x, 1, "W")?);
        if let Some(lowering) = by_phases(&a, xf, w).map_or(Ok(None), |t| t.expand(x))? {
            return Ok(lowering);
        }
        match maybe(x, 2) {
            Some(b) => expand(c.attrs, xf, w, b).map(Lowering::Expand),
            None => contract(&a, xf, w, &y[0]).map(Lowering::Contract),
        }
    }
    fn samples(&self) -> Vec<Sample> {
        let s = |attrs: Attrs, x: &[usize], w: &[usize], bias: usize| {
            let mut v = vec![sample_floats(x, 1), sample_floats(w, 2)];
            if bias > 0 {
                v.push(sample_floats(&[bias], 3));
            }
            Sample::new(attrs, v)
        };
        let a = Attrs::new;
        let strided = a().with("strides", vec![3i64, 2]).with("output_padding", vec![1i64, 1]);
        vec![
            s(a(), &[1, 2, 3, 4], &[2, 3, 3, 2], 0),
            s(strided.clone().with("pads", vec![1i64, 0, 2, 1]), &[2, 1, 3, 3], &[1, 2, 3, 3], 2),
            s(strided.with("output_shape", vec![10i64, 8]), &[1, 1, 3, 3], &[1, 2, 3, 3], 0),
            s(
                a().with("dilations", vec![2i64, 2]).with("kernel_shape", vec![2i64, 2]),
                &[1, 1, 3, 3],
                &[1, 1, 2, 2],
                0,
            ),
            s(a().with("group", 2i64).with("strides", vec![2i64]), &[1, 4, 3], &[4, 3, 4], 6),
            s(a().with("auto_pad", "SAME_UPPER").with("strides", vec![2i64, 2]), &[1, 1, 3, 3], &[1, 2, 3, 3], 0),
            s(a().with("auto_pad", "SAME_LOWER").with("strides", vec![2i64]), &[1, 1, 3], &[1, 2, 5], 0),
            s(a().with("auto_pad", "VALID"), &[1, 1, 2, 2, 2], &[1, 2, 2, 1, 2], 0),
        ]
    }
}

/// The sizes that a convolution for every phase wants to know; `None` where they are not known.
fn by_phases(a: &ConvTransposeAttrs, x: &Fact, w: &Fact) -> Option<Transposed> {
    let p = plan(a, &x.shape, &w.shape).ok()?;
    let known = |d: &[Dim]| d.iter().map(Dim::as_const).collect::<Option<Vec<i64>>>();
    let t = Transposed {
        x: x.shape.clone(),
        w: known(&w.shape)?,
        group: a.group,
        strides: p.strides,
        begin: known(&p.begin)?,
        out: p.out,
    };
    (x.dtype.is_float() && p.dilations.iter().all(|d| *d == 1) && !t.is_empty()).then_some(t)
}

/// Gathered by the result: batch (image, group), m filters, n positions, k (channel, taps).
fn contract(a: &ConvTransposeAttrs, x: &Fact, w: &Fact, y: &Fact) -> Result<Contract> {
    let (p, n, group) = (plan(a, &x.shape, &w.shape)?, x.rank() - 2, Dim::from(a.group));
    let channels = w.shape[0].div(&group);
    let v = |i: usize| Expr::var(i as u32);
    let (zero, channel) = (Expr::int(0), v(1).mul(&Expr::size(&channels)).add(&v(3 + n)));
    let (mut index, mut taps) = (vec![v(0), channel.clone()], vec![channel, v(2)]);
    let mut inside = Expr::bool(true);
    for i in 0..n {
        let (tap, stride) = (v(4 + n + i), Expr::int(p.strides[i]));
        let place = v(3 + i).add(&Expr::size(&p.begin[i])).sub(&tap.mul(&Expr::int(p.dilations[i])));
        let from = place.div(&stride);
        inside = inside.and(&place.ge(&zero)).and(&from.lt(&Expr::size(&x.shape[2 + i])));
        if p.strides[i] > 1 {
            inside = inside.and(&place.rem(&stride).eq(&zero));
        }
        index.push(from);
        taps.push(tap);
    }
    Ok(Contract {
        batch: vec![x.shape[0].clone(), group],
        m: vec![w.shape[1].clone()],
        n: y.shape[2..].to_vec(),
        k: std::iter::once(channels).chain(w.shape[2..].iter().cloned()).collect(),
        a: Expr::load(1, w, taps),
        b: inside.select(&Expr::load(0, x, index), &Expr::num(Ty::of(x.dtype), 0.0)),
        acc: sum_type(y.dtype),
        dtype: y.dtype,
    })
}

/// The bias as an operator of its own.
fn expand(attrs: &Attrs, x: &Fact, w: &Fact, b: &Fact) -> Result<Graph> {
    let mut g = Graph::new("conv_transpose");
    let v: Vec<_> = [("x", x), ("w", w), ("b", b)].iter().map(|(n, f)| g.add_input(n, f.type_only())).collect();
    let y = g.apply("conv", "ConvTranspose", attrs.clone(), &v[..2])?;
    let to: Vec<i64> = [-1].into_iter().chain(vec![1; x.rank() - 2]).collect();
    let to = g.add_const("bias_shape", Tensor::i64(&[to.len()], &to));
    let bias = g.apply("bias", "Reshape", Attrs::new(), &[v[2], to])?;
    let y = g.apply("biased", "Add", Attrs::new(), &[y, bias])?;
    g.add_output("y", y);
    Ok(g)
}
