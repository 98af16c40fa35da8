//! `CausalConvWithState`: `y[b,c,t] = f(bias[c] + sum over j of w[c,0,j] * z[b,c,t+j])` with `z` the state before the input.
//! <https://onnx.ai/onnx/operators/onnx__CausalConvWithState.html>

use super::common::elementwise::sample_floats;
use crate::infer::same_dtype;
use crate::lower::{Comp, Expr, Lowering, Monoid, Ty};
use crate::op::{maybe, need, shaped};
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(CausalConvWithStateAttrs {
    /// `silu`, `swish` (the same) or `none`.
    activation: String = "none".into(),
});

pub struct CausalConvWithState;

/// Whether SiLU is applied last.
fn silu(c: &Ctx) -> Result<bool> {
    match CausalConvWithStateAttrs::read(c.attrs)?.activation.as_str() {
        "none" => Ok(false),
        "silu" | "swish" => Ok(true),
        other => bail!("activation is {other:?}, expected silu, swish or none"),
    }
}

impl Op for CausalConvWithState {
    fn name(&self) -> &'static str {
        "CausalConvWithState"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        CausalConvWithStateAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(2, 4)
    }
    fn results(&self) -> Arity {
        Arity::range(1, 2)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        silu(c)?;
        let (data, w) = (need(x, 0, "input")?, need(x, 1, "weight")?);
        same_dtype(&x.iter().flatten().copied().collect::<Vec<_>>())?;
        ensure!(data.dtype.is_float(), "input has type {}, expected a float type", data.dtype);
        ensure!(data.rank() == 3 && w.rank() == 3, "input is {data} and weight {w}, expected rank 3");
        let taps = &w.shape[2];
        ensure!(taps.as_const().is_none_or(|n| n > 0), "operand weight is {w}, expected a tap or more");
        shaped("weight", &w.shape, &[data.shape[1].clone(), 1.into(), taps.clone()])?;
        let state = vec![data.shape[0].clone(), data.shape[1].clone(), taps.clone() - 1.into()];
        maybe(x, 2).map_or(Ok(()), |b| shaped("bias", &b.shape, &data.shape[1..2]))?;
        maybe(x, 3).map_or(Ok(()), |s| shaped("past_state", &s.shape, &state))?;
        let both = [data.type_only(), Fact::new(data.dtype, state)];
        Ok(both.into_iter().take(c.outputs).collect())
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (data, w, silu) = (need(x, 0, "input")?, need(x, 1, "weight")?, silu(c)?);
        let (channels, n, taps) = (data.shape()[1], data.shape()[2], w.shape()[2]);
        let old = taps - 1;
        let at = |row: usize, p: usize| match p.checked_sub(old) {
            Some(p) => data.at(row * n + p).f(),
            None => maybe(x, 3).map_or(0.0, |s| s.at(row * old + p).f()),
        };
        let mut y = vec![];
        for_each_index(data.shape(), |i| {
            let (row, channel) = (i[0] * channels + i[1], i[1]);
            let sum: f64 = (0..taps).map(|j| w.at(channel * taps + j).f() * at(row, i[2] + j)).sum();
            let v = sum + maybe(x, 2).map_or(0.0, |b| b.at(channel).f());
            y.push(Num::F(if silu { v / (1.0 + (-v).exp()) } else { v }));
        });
        let rows = data.shape()[0] * channels;
        let state = (0..rows).flat_map(|row| (0..old).map(move |i| (row, n + i))).map(|(row, p)| Num::F(at(row, p)));
        let state = Tensor::new(data.dtype(), &[data.shape()[0], channels, old], state.collect::<Vec<_>>());
        Ok([Tensor::new(data.dtype(), data.shape(), y), state].into_iter().take(c.outputs).collect())
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (data, w) = (need(x, 0, "input")?, need(x, 1, "weight")?);
        let old: Dim = w.shape[2].clone() - 1.into();
        let (b, channel, t, j) = (Expr::var(0), Expr::var(1), Expr::var(2), Expr::var(3));
        let at = |p: Expr| {
            let before = match maybe(x, 3) {
                Some(s) => Expr::load(3, s, vec![b.clone(), channel.clone(), p.clone()]),
                None => Expr::num(Ty::of(data.dtype), 0.0),
            };
            let from = p.sub(&Expr::size(&old));
            p.lt(&Expr::size(&old)).select(&before, &Expr::load(0, data, vec![b.clone(), channel.clone(), from]))
        };
        let weight = Expr::load(1, w, vec![channel.clone(), Expr::int(0), j.clone()]);
        let mut v = Expr::reduce(Monoid::Sum, vec![(3, w.shape[2].clone())], weight.mul(&at(t.add(&j))));
        if let Some(bias) = maybe(x, 2) {
            v = v.add(&Expr::load(2, bias, vec![channel.clone()]));
        }
        if silu(c)? {
            v = v.mul(&v.sigmoid());
        }
        let mut comps = vec![Comp::new(&y[0], v)];
        if let Some(state) = y.get(1) {
            comps.push(Comp::new(state, at(t.add(&Expr::size(&data.shape[2])))));
        }
        Ok(Lowering::Comps(comps))
    }
    fn samples(&self) -> Vec<Sample> {
        let f = |shape: &[usize], seed: u32| Some(sample_floats(shape, seed));
        let s = |a: Attrs, x: Vec<Option<Tensor>>, outputs: usize| Sample { attrs: a, x, outputs };
        let silu = Attrs::new().with("activation", "silu");
        vec![
            s(Attrs::new(), vec![f(&[2, 3, 5], 1), f(&[3, 1, 4], 2)], 2),
            s(silu, vec![f(&[2, 3, 2], 1), f(&[3, 1, 4], 2), f(&[3], 3), f(&[2, 3, 3], 4)], 2),
            s(Attrs::new(), vec![f(&[1, 2, 4], 1), f(&[2, 1, 3], 2), None, f(&[1, 2, 2], 4)], 1),
        ]
    }
}
