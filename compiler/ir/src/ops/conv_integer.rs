//! `ConvInteger`: convolution of `x - x_zero_point` with `w - w_zero_point` in 32-bit integers.
//! <https://onnx.ai/onnx/operators/onnx__ConvInteger.html>

use super::common::quantize::{sample_ints, shifts};
use super::common::window::Window;
use super::conv::{self, ConvAttrs};
use crate::lower::{Contract, E, Expr, Lowering};
use crate::op::{maybe, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Graph, Num, Op, OpRef, Result, Sample, Tensor, Value, ensure};

pub struct ConvInteger;

/// Refuses operands that are not 8-bit and zero points that do not fit them.
pub fn check(x: &Fact, w: &Fact, x_zero: Option<&Fact>, w_zero: Option<&Fact>) -> Result<()> {
    for (what, data, zero, count) in [("x", x, x_zero, 1.into()), ("w", w, w_zero, w.shape[0].clone())] {
        ensure!(
            matches!(data.dtype, DType::I8 | DType::U8),
            "operand {what} has type {}, expected i8 or u8",
            data.dtype
        );
        let Some(z) = zero else { continue };
        ensure!(
            z.dtype == data.dtype,
            "the zero_point of operand {what} has type {}, expected {}",
            z.dtype,
            data.dtype
        );
        let n = z.len();
        let ok = n.is_one() || (z.rank() == 1 && (n == count || n.as_const().is_none() || count.as_const().is_none()));
        ensure!(ok, "the zero_point of operand {what} is {z}, expected 1 or {count} elements");
    }
    Ok(())
}

/// The sums in 32 bits, bias included.
pub fn sums(
    a: &ConvAttrs,
    x: &Tensor,
    w: &Tensor,
    x_zero: Option<&Tensor>,
    w_zero: Option<&Tensor>,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let shifted = |t: &Tensor, zero: Option<&Tensor>| {
        let per = t.len() / t.shape()[0].max(1);
        let zero_at = |i: usize| zero.map_or(0, |z| z.at(if z.len() == 1 { 0 } else { i / per.max(1) }).i());
        Tensor::new(DType::I32, t.shape(), t.iter().enumerate().map(|(i, v)| Num::I(v.i() - zero_at(i))))
    };
    conv::eval_conv(a, &shifted(x, x_zero), &shifted(w, w_zero), bias, DType::I32, |v| v, |v| v)
}

impl Op for ConvInteger {
    fn name(&self) -> &'static str {
        "ConvInteger"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        ConvAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(2, 4)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (data, w) = (need(x, 0, "x")?, need(x, 1, "w")?);
        let shape = conv::result_shape(&ConvAttrs::read(c.attrs)?, &data.shape, &w.shape)?;
        check(data, w, maybe(x, 2), maybe(x, 3))?;
        Ok(vec![Fact::new(DType::I32, shape)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (data, w) = (need(x, 0, "x")?, need(x, 1, "w")?);
        Ok(vec![sums(&ConvAttrs::read(c.attrs)?, data, w, maybe(x, 2), maybe(x, 3), None)?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let a = ConvAttrs::read(c.attrs)?;
        let win = conv::window(&a, &need(x, 0, "x")?.shape, &need(x, 1, "w")?.shape)?;
        match win.const_pads() {
            Some(p) if p.iter().any(|p| *p != 0) => expand(&a, &win, &p, x).map(Lowering::Expand),
            _ => contract(&a, &win, x, &y[0]).map(Lowering::Contract),
        }
    }
    fn samples(&self) -> Vec<Sample> {
        let (i, u) = (DType::I8, DType::U8);
        let t = |d: DType, shape: &[usize]| Some(sample_ints(d, shape, 5));
        let s = |attrs: Attrs, x: Vec<Option<Tensor>>| Sample { x, ..Sample::new(attrs, vec![]) };
        let a = Attrs::new;
        let grouped = a().with("group", 2i64).with("dilations", vec![2i64, 1]).with("strides", vec![1i64, 2]);
        vec![
            s(a(), vec![t(u, &[1, 2, 5, 4]), t(i, &[3, 2, 3, 3])]),
            s(a().with("pads", vec![1i64; 4]), vec![t(u, &[2, 2, 5, 4]), t(i, &[3, 2, 3, 3]), t(u, &[]), t(i, &[3])]),
            s(
                grouped.with("kernel_shape", vec![2i64, 2]),
                vec![t(i, &[1, 4, 5, 6]), t(i, &[6, 2, 2, 2]), None, t(i, &[1])],
            ),
            s(
                a().with("auto_pad", "SAME_UPPER"),
                vec![t(u, &[1, 1, 4, 5]), t(u, &[2, 1, 2, 3]), t(u, &[]), t(u, &[2])],
            ),
        ]
    }
}

fn contract(a: &ConvAttrs, win: &Window, x: &[Option<&Fact>], y: &Fact) -> Result<Contract> {
    let mut c = conv::contract(a, win, need(x, 0, "x")?, need(x, 1, "w")?, y)?;
    if let Some(z) = maybe(x, 2).filter(|z| shifts(z)) {
        let zero = Expr::load(2, z, vec![Expr::int(0); z.rank()]);
        c.b = match &*c.b {
            E::Select(inside, load, outside) => inside.select(&load.sub(&zero), outside),
            _ => c.b.sub(&zero),
        };
    }
    if let (Some(z), E::Load { index, .. }) = (maybe(x, 3).filter(|z| shifts(z)), &*c.a.clone()) {
        let at = if z.len().is_one() { Expr::int(0) } else { index[0].clone() };
        c.a = c.a.sub(&Expr::load(3, z, vec![at; z.rank()]));
    }
    Ok(c)
}

/// Padding by the zero point as an operator of its own.
fn expand(a: &ConvAttrs, win: &Window, pads: &[i64], x: &[Option<&Fact>]) -> Result<Graph> {
    let mut g = Graph::new("conv_integer");
    let names = ["x", "w", "x_zero_point", "w_zero_point"];
    let mut v: Vec<Option<Value>> =
        x.iter().zip(names).map(|(f, name)| f.map(|f| g.add_input(name, f.type_only()))).collect();
    let n = pads.len() / 2;
    let all = [&[0, 0], &pads[..n], &[0, 0], &pads[n..]].concat();
    let pads = g.add_const("pads", Tensor::i64(&[all.len()], &all));
    let operands = [v[0], Some(pads), v.get(2).copied().flatten()];
    let pad = crate::ops::by_name("Pad").map_or_else(|| crate::bail!("no operator Pad"), Ok)?;
    v[0] = Some(Value { node: g.add_op("padded", pad, Attrs::new(), &operands, 1)?, port: 0 });
    let attrs = Attrs::new().with("dilations", win.dilations.clone()).with("strides", win.strides.clone());
    let y = g.add_op("conv", OpRef(&ConvInteger), attrs.with("group", a.group), &v, 1)?;
    g.add_output("y", Value { node: y, port: 0 });
    Ok(g)
}
