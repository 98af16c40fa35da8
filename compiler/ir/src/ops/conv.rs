//! `Conv`: `y[b,o,p] = bias[o] + sum over c,t of x[b, c, p*stride + t*dilation - pad] * w[o,c,t]`, in groups.
//! <https://onnx.ai/onnx/operators/onnx__Conv.html>

use super::common::elementwise::sample_floats;
use super::common::window::Window;
use crate::infer::same_dtype;
use crate::lower::{Contract, Expr, Lowering, Ty};
use crate::op::{maybe, need};
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Graph, Num, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(ConvAttrs {
    /// `NOTSET`, `SAME_UPPER`, `SAME_LOWER` or `VALID`.
    auto_pad: String = "NOTSET".into(),
    /// Step between taps along each spatial axis.
    dilations: Vec<i64> = vec![],
    /// Number of blocked channel groups.
    group: i64 = 1,
    /// Extent of the kernel; inferred from W when absent.
    kernel_shape: Vec<i64> = vec![],
    /// Begins, then ends.
    pads: Vec<i64> = vec![],
    /// Step of the window along each spatial axis.
    strides: Vec<i64> = vec![],
});

/// The operator.
pub struct Conv;

/// The window of a convolution of operands of these shapes.
pub fn window(a: &ConvAttrs, x: &[Dim], w: &[Dim]) -> Result<Window> {
    ensure!(
        x.len() >= 3 && w.len() == x.len(),
        "operand X has rank {} and W rank {}, expected 3 or more",
        x.len(),
        w.len()
    );
    let agree = a.kernel_shape.iter().zip(&w[2..]).all(|(k, d)| d.as_const().is_none_or(|d| d == *k));
    ensure!(agree, "attribute kernel_shape is {:?}, expected the last sizes of operand W", a.kernel_shape);
    Window::new(&x[2..], &w[2..], &a.strides, &a.dilations, &a.pads, &a.auto_pad)
}

/// Shape of the result for X and W of these shapes, or what does not fit.
pub fn result_shape(a: &ConvAttrs, x: &[Dim], w: &[Dim]) -> Result<Vec<Dim>> {
    ensure!(a.group > 0, "group is {}, expected a positive number", a.group);
    let win = window(a, x, w)?;
    if let (Some(c), Some(per)) = (x[1].as_const(), w[1].as_const()) {
        let fits = per.checked_mul(a.group) == Some(c);
        ensure!(fits, "operand X has {c} channels, expected {} groups of {per}", a.group);
    }
    if let Some(o) = w[0].as_const() {
        ensure!(o % a.group == 0, "operand W has {o} filters, expected a multiple of group {}", a.group);
    }
    let mut shape = vec![x[0].clone(), w[0].clone()];
    shape.extend(win.output(&x[2..], false));
    if let Some(d) = shape.iter().filter_map(Dim::as_const).find(|d| *d < 0) {
        bail!("a result has an axis of size {d}, expected 0 or more: the kernel is larger than the padded operand");
    }
    Ok(shape)
}

impl Op for Conv {
    fn name(&self) -> &'static str {
        "Conv"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        ConvAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(2, 3)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let a = ConvAttrs::read(c.attrs)?;
        let (x, w, b) = (need(x, 0, "X")?, need(x, 1, "W")?, maybe(x, 2));
        same_dtype(&[x, w])?;
        let shape = result_shape(&a, &x.shape, &w.shape)?;
        if let Some(b) = b {
            ensure!(b.shape[..] == w.shape[..1], "operand B has shape {b}, expected [{}]", w.shape[0]);
        }
        Ok(vec![Fact::new(x.dtype, shape)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let a = ConvAttrs::read(c.attrs)?;
        let (x, w, b) = (need(x, 0, "X")?, need(x, 1, "W")?, maybe(x, 2));
        Ok(vec![eval_conv(&a, x, w, b, x.dtype(), |v| v, |v| v)?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let a = ConvAttrs::read(c.attrs)?;
        let (xf, w, b) = (need(x, 0, "X")?, need(x, 1, "W")?, maybe(x, 2));
        let win = window(&a, &xf.shape, &w.shape)?;
        let pads = win.const_pads();
        match (b, &pads) {
            (None, None) => Ok(Lowering::Contract(contract(&a, &win, xf, w, &y[0])?)),
            (None, Some(p)) if p.iter().all(|p| *p == 0) => Ok(Lowering::Contract(contract(&a, &win, xf, w, &y[0])?)),
            _ => expand(&a, &win, pads, xf, w, b).map(Lowering::Expand),
        }
    }
    fn samples(&self) -> Vec<Sample> {
        let s = |attrs: Attrs, x: &[usize], w: &[usize], bias: bool| {
            let mut v = vec![sample_floats(x, 1), sample_floats(w, 2)];
            if bias {
                v.push(sample_floats(&w[..1], 3));
            }
            Sample::new(attrs, v)
        };
        let ints = |name: &str, v: &[i64]| Attrs::new().with(name, v);
        vec![
            s(Attrs::new(), &[1, 2, 5, 4], &[3, 2, 3, 3], false),
            s(ints("pads", &[1, 1, 1, 1]), &[2, 3, 5, 6], &[4, 3, 3, 3], true),
            s(ints("strides", &[2, 2]).with("pads", vec![0i64, 1, 2, 1]), &[1, 2, 7, 6], &[5, 2, 3, 2], true),
            s(ints("dilations", &[2, 1]).with("kernel_shape", vec![2i64, 2]), &[1, 1, 5, 5], &[2, 1, 2, 2], false),
            s(Attrs::new().with("group", 4i64).with("pads", vec![1i64; 4]), &[1, 4, 4, 4], &[4, 1, 3, 3], true),
            s(Attrs::new().with("group", 2i64), &[1, 4, 4, 4], &[6, 2, 1, 1], false),
            s(Attrs::new().with("auto_pad", "SAME_UPPER").with("strides", vec![2i64]), &[1, 2, 7], &[2, 2, 4], false),
            s(Attrs::new().with("auto_pad", "SAME_LOWER"), &[1, 1, 4, 4], &[1, 1, 2, 2], false),
            s(Attrs::new().with("auto_pad", "VALID"), &[1, 1, 3, 3, 3], &[2, 1, 2, 2, 2], true),
        ]
    }
}

/// Meaning of a convolution; `fx`, `fw` change each factor (identity, or minus a zero point). Padding adds zeros after `fx`.
pub fn eval_conv(
    a: &ConvAttrs,
    x: &Tensor,
    w: &Tensor,
    b: Option<&Tensor>,
    dtype: DType,
    fx: impl Fn(Num) -> Num,
    fw: impl Fn(Num) -> Num,
) -> Result<Tensor> {
    let (fact_x, fact_w) = (x.type_fact(), w.type_fact());
    let win = window(a, &fact_x.shape, &fact_w.shape)?;
    let get = |d: &Dim| d.as_const().unwrap_or(0) as usize;
    let spatial: Vec<usize> = win.output(&fact_x.shape[2..], false).iter().map(get).collect();
    let begin: Vec<i64> = win.begin.iter().map(|d| get(d) as i64).collect();
    let (per_group, filters) = (w.shape()[1], w.shape()[0] / a.group as usize);
    let (xs, ws): (Vec<Num>, Vec<Num>) = (x.iter().map(fx).collect(), w.iter().map(fw).collect());
    let mut shape = vec![x.shape()[0], w.shape()[0]];
    shape.extend(&spatial);
    let mut out = vec![];
    for_each_index(&shape, |o| {
        let (image, filter) = (o[0], o[1]);
        let mut sum = (0.0f64, 0i128);
        for c in 0..per_group {
            let channel = filter / filters * per_group + c;
            let mut tap = (filter * per_group + c) * w.shape()[2..].iter().product::<usize>();
            for_each_index(&w.shape()[2..], |t| {
                let mut at = Some(image * x.shape()[1] + channel);
                for i in 0..t.len() {
                    let p = (o[2 + i] * win.strides[i] as usize + t[i] * win.dilations[i] as usize) as i64 - begin[i];
                    let inside = p >= 0 && p < x.shape()[2 + i] as i64;
                    at = at.filter(|_| inside).map(|at| at * x.shape()[2 + i] + p as usize);
                }
                match at.map(|at| (xs[at], ws[tap])) {
                    Some((Num::F(a), Num::F(b))) => sum.0 += a * b,
                    Some((a, b)) => sum.1 += a.i() * b.i(),
                    None => {}
                }
                tap += 1;
            });
        }
        let bias = b.map_or(Num::I(0), |b| b.at(filter));
        out.push(if dtype.is_float() { Num::F(sum.0 + bias.f()) } else { Num::I(sum.1 + bias.i()) });
    });
    Ok(Tensor::new(dtype, &shape, out))
}

/// A convolution as a sum of products: batch (image, group), m filters, n positions, k (channel, taps). Reads of the
/// padding are guarded. Changed factors (zero points) can be put in afterwards.
pub fn contract(a: &ConvAttrs, win: &Window, x: &Fact, w: &Fact, y: &Fact) -> Result<Contract> {
    let group = Dim::from(a.group);
    let (filters, per_group, n) = (w.shape[0].div(&group), w.shape[1].clone(), x.rank() - 2);
    let v = |i: usize| Expr::var(i as u32);
    let (image, g, filter, channel) = (v(0), v(1), v(2), v(3 + n));
    let at = vec![image, g.mul(&Expr::size(&per_group)).add(&channel)];
    let b = win.guarded_load(0, x, at, &|i| (v(3 + i), v(4 + n + i)), &Expr::num(Ty::of(x.dtype), 0.0));
    let mut at_w = vec![g.mul(&Expr::size(&filters)).add(&filter), channel];
    at_w.extend((0..n).map(|i| v(4 + n + i)));
    Ok(Contract {
        batch: vec![x.shape[0].clone(), group],
        m: vec![filters],
        n: y.shape[2..].to_vec(),
        k: std::iter::once(per_group).chain(w.shape[2..].iter().cloned()).collect(),
        a: Expr::load(1, w, at_w),
        b,
        acc: Ty::of(y.dtype),
        dtype: y.dtype,
    })
}

/// Padding by constants, convolution, and bias as operators of their own.
fn expand(a: &ConvAttrs, win: &Window, pads: Option<Vec<i64>>, x: &Fact, w: &Fact, b: Option<&Fact>) -> Result<Graph> {
    let mut g = Graph::new("conv");
    let mut xv = g.add_input("x", x.type_only());
    let wv = g.add_input("w", w.type_only());
    let mut attrs = Attrs::new()
        .with("dilations", win.dilations.clone())
        .with("strides", win.strides.clone())
        .with("group", a.group);
    match pads {
        Some(p) if p.iter().all(|p| *p == 0) => {}
        Some(p) => {
            let n = p.len() / 2;
            let all = [&[0, 0], &p[..n], &[0, 0], &p[n..]].concat();
            let pads = g.add_const("pads", Tensor::i64(&[all.len()], &all));
            xv = g.apply("padded", "Pad", Attrs::new(), &[xv, pads])?;
        }
        None => attrs.set("auto_pad", a.auto_pad.as_str()),
    }
    let mut y = g.apply("conv", "Conv", attrs, &[xv, wv])?;
    if let Some(b) = b {
        let bv = g.add_input("b", b.type_only());
        let mut to = vec![-1i64];
        to.extend(vec![1; x.rank() - 2]);
        let to = g.add_const("bias_shape", Tensor::i64(&[to.len()], &to));
        let bias = g.apply("bias", "Reshape", Attrs::new(), &[bv, to])?;
        y = g.apply("biased", "Add", Attrs::new(), &[y, bias])?;
    }
    g.add_output("y", y);
    Ok(g)
}
