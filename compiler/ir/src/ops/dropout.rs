//! `Dropout`: a part `ratio` of the elements becomes 0, the others are divided by `1 - ratio`, when training; else
//! `y = x`, and a mask that is all true. <https://onnx.ai/onnx/operators/onnx__Dropout.html>
//!
//! An element is kept where the number drawn for it, in row-major order, is at least the ratio. The numbers are those of
//! ONNX's reference implementation ([`Mersenne`]), whose published results hold for every seed.

use super::common::elementwise::sample_floats;
use super::common::mersenne::{Mersenne, Steps};
use super::common::unary::check_type;
use crate::lower::{Comp, Expr, Lowering, Proc, Ty, for_, store};
use crate::op::{maybe, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(DropoutAttrs {
    /// Seed of the random numbers that training draws, modulo 2^32; absent is 0.
    seed: Option<i64>,
});

pub struct Dropout;

/// Part that is dropped when `ratio` is absent.
const RATIO: f64 = 0.5;

/// Whether nothing is dropped: training is off, or the ratio is 0.
fn inactive(x: &[Option<&Fact>]) -> bool {
    let zero = |t: &Tensor| t.iter().all(|v| !v.truth());
    let off = |i: usize| maybe(x, i).and_then(|f| f.constant()).is_some_and(zero);
    maybe(x, 2).is_none() || off(2) || off(1)
}

fn seed(c: &Ctx) -> Result<u32> {
    Ok(DropoutAttrs::read(c.attrs)?.seed.unwrap_or(0) as u32)
}

/// Loads the only element of an operand, or gives what it is when absent.
fn only(x: &[Option<&Fact>], i: usize, ty: Ty, absent: f64) -> Expr {
    match maybe(x, i) {
        Some(f) => Expr::load(i, f, vec![Expr::int(0); f.rank()]).cast(ty),
        None => Expr::num(ty, absent),
    }
}

impl Op for Dropout {
    fn name(&self) -> &'static str {
        "Dropout"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        DropoutAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(1, 3)
    }
    fn results(&self) -> Arity {
        Arity::range(1, 2)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        DropoutAttrs::read(c.attrs)?;
        let data = need(x, 0, "data")?;
        check_type(DType::is_float, data.dtype)?;
        for (i, name) in [(1, "ratio"), (2, "training_mode")] {
            let one = |f: &Fact| f.len().as_const().is_none_or(|n| n == 1);
            ensure!(maybe(x, i).is_none_or(one), "operand {name} has more than one element, expected one");
        }
        let y = if inactive(x) { data.clone() } else { data.type_only() };
        let all = [y, Fact::new(DType::Bool, data.shape.clone())];
        Ok(all.into_iter().take(c.outputs).collect())
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let data = need(x, 0, "data")?;
        let ratio = maybe(x, 1).map_or(RATIO, |t| t.at(0).f());
        let training = maybe(x, 2).is_some_and(|t| t.at(0).truth()) && ratio != 0.0;
        let mut numbers = Mersenne::new(seed(c)?);
        let kept: Vec<bool> = (0..data.len()).map(|_| !training || numbers.fraction() >= ratio).collect();
        let scale = if training { 1.0 / (1.0 - ratio) } else { 1.0 };
        let y = data.iter().zip(&kept).map(|(v, kept)| Num::F(if *kept { v.f() * scale } else { 0.0 }));
        let y = Tensor::new(data.dtype(), data.shape(), y);
        let mask = Tensor::new(DType::Bool, data.shape(), kept.iter().map(|k| Num::from(*k)));
        Ok([y, mask].into_iter().take(c.outputs).collect())
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let data = need(x, 0, "data")?;
        if !inactive(x) {
            return Ok(Lowering::Proc(drawn(seed(c)?, x, data, y)));
        }
        Ok(match y {
            [_] => Lowering::Alias,
            _ => Lowering::Comps(vec![
                Comp::new(&y[0], Expr::load(0, data, Expr::vars(data.rank()))),
                Comp::new(&y[1], Expr::bool(true)),
            ]),
        })
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let ratio = Tensor::f32(&[], &[0.25]);
        let mode = |on: bool| Tensor::scalar(DType::Bool, Num::from(on));
        let seeded = Attrs::new().with("seed", 7i64);
        let x = sample_floats(&[2, 3], 1);
        let one = Sample::new(seeded.clone(), vec![x.clone(), ratio.clone(), mode(false)]);
        let long = sample_floats(&[2, 7, 30], 2);
        let drawn = Sample { outputs: 2, ..Sample::new(seeded, vec![long.clone(), ratio, mode(true)]) };
        let bare = Sample::new(Attrs::new(), vec![sample_floats(&[3], 1).cast(DType::F16)]);
        let half = Sample { x: vec![Some(long.cast(DType::F64)), None, Some(mode(true))], ..bare.clone() };
        vec![one.clone(), Sample { outputs: 2, ..one }, bare, drawn, half]
    }
}

/// Draws a number for each element in order.
fn drawn(seed: u32, x: &[Option<&Fact>], data: &Fact, y: &[Fact]) -> Proc {
    let rank = data.rank() as u32;
    let steps = Steps { scratch: 0, first: rank };
    let (draw, number) = steps.fraction();
    let (ratio, ty) = (only(x, 1, Ty::F64, RATIO), Ty::of(data.dtype));
    let still = only(x, 2, Ty::Bool, 0.0).un(crate::lower::Un::Not);
    let kept = number.ge(&ratio).or(&still);
    let scale = still.select(&ratio.like(1.0), &ratio.like(1.0).div(&ratio.like(1.0).sub(&ratio)));
    let value = Expr::load(0, data, Expr::vars(data.rank())).cast(Ty::F64).mul(&scale).cast(ty);
    let mut body = draw;
    let stored = kept.select(&value, &value.like(0.0));
    body.push(store(0, &y[0], Expr::vars(data.rank()), stored));
    if let Some(mask) = y.get(1) {
        body.push(store(1, mask, Expr::vars(data.rank()), kept));
    }
    for (axis, d) in data.shape.iter().enumerate().rev() {
        body = vec![for_(axis as u32, d, body)];
    }
    Proc { scratch: vec![Steps::state()], parallel: None, body: [steps.seed(seed), body].concat() }
}
