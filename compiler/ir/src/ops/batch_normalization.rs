//! `BatchNormalization`: `(x - mean) / sqrt(variance + epsilon) * scale + bias`, a channel at a time.
//! <https://onnx.ai/onnx/operators/onnx__BatchNormalization.html>
//!
//! In training mode the statistics are those of the operand, and the running ones are results.

use super::common::elementwise::sample_floats;
use super::common::expansion::{Expansion, wide};
use super::common::normalize::{self, Center, check_channels, per_channel, tensor};
use super::common::unary::check_type;
use crate::lower::{Comp, Expr, Lowering, Ty, Un};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor, Value, attrs, ensure};

attrs!(BatchNormAttrs {
    /// Added to the variance.
    epsilon: f32 = 1e-5,
    /// Weight of the old running statistics.
    momentum: f32 = 0.9,
    /// Whether the statistics of the operand are taken.
    training_mode: bool = false,
});

pub struct BatchNormalization;

const NAMES: [&str; 5] = ["X", "scale", "B", "input_mean", "input_var"];

/// Every axis but that of the channels.
fn others(rank: usize) -> Vec<usize> {
    (0..rank).filter(|a| *a != 1).collect()
}

/// Rounds of `running = old * momentum + current * (1 - momentum)`.
fn running(old: &Tensor, current: &[f64], momentum: f32) -> Tensor {
    let m = momentum as f64;
    let v = old.to_f64().iter().zip(current).map(|(old, now)| old * m + now * (1.0 - m)).collect();
    tensor(old.dtype(), old.shape(), v)
}

/// The same as a graph, in the type of `old`.
fn expand_running(e: &mut Expansion, old: Value, current: Value, momentum: f32) -> Result<Value> {
    let dtype = e.fact(old).dtype;
    let shape = e.op("Shape", &[old])?;
    let current = e.op("Reshape", &[current, shape])?;
    let work = e.fact(current).dtype;
    let wide_old = e.cast(old, work)?;
    let (m, rest) = (e.scalar(work, momentum as f64), e.scalar(work, 1.0 - momentum as f64));
    let a = e.op("Mul", &[wide_old, m])?;
    let b = e.op("Mul", &[current, rest])?;
    let sum = e.op("Add", &[a, b])?;
    e.cast(sum, dtype)
}

fn training(a: &BatchNormAttrs, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
    let mut e = Expansion::of(x);
    let v = e.x(0)?;
    let v = normalize::statistics(&mut e, v)?;
    let rank = y[0].rank();
    let axes: Vec<i64> = others(rank).iter().map(|a| *a as i64).collect();
    let n = normalize::expand(&mut e, v, &axes, a.epsilon as f64, Center::Mean)?;
    let (scale, bias) = (e.x(1)?, e.x(2)?);
    let (scale, bias) = (per_channel(&mut e, scale, rank)?, per_channel(&mut e, bias, rank)?);
    let out = normalize::expand_affine(&mut e, n.y, scale, Some(bias))?;
    let mut out = vec![e.cast(out, y[0].dtype)?];
    for (slot, current) in [(3, n.mean), (4, n.variance)].into_iter().take(y.len() - 1) {
        let old = e.x(slot)?;
        out.push(expand_running(&mut e, old, current, a.momentum)?);
    }
    Ok(e.done(&out))
}

impl Op for BatchNormalization {
    fn name(&self) -> &'static str {
        "BatchNormalization"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        BatchNormAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(5)
    }
    fn results(&self) -> Arity {
        Arity::range(1, 3)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let a = BatchNormAttrs::read(c.attrs)?;
        let data = need(x, 0, "X")?;
        check_type(DType::is_float, data.dtype)?;
        ensure!(data.rank() >= 2, "operand X is {data}, expected rank 2 or more");
        ensure!(a.training_mode || c.outputs == 1, "{} results without training_mode, expected 1", c.outputs);
        let mut out = vec![Fact::new(data.dtype, data.shape.clone())];
        for (i, name) in NAMES.iter().enumerate().skip(1) {
            let f = need(x, i, name)?;
            check_type(DType::is_float, f.dtype)?;
            check_channels(f, &mut out[0].shape[1], name)?;
            if i >= 3 {
                out.push(f.type_only());
            }
        }
        Ok(out.into_iter().take(c.outputs).collect())
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let a = BatchNormAttrs::read(c.attrs)?;
        let data = need(x, 0, "X")?;
        let (mean, variance) = (need(x, 3, NAMES[3])?, need(x, 4, NAMES[4])?);
        let axes = others(data.rank());
        let n = normalize::eval(&data.to_f64(), data.shape(), &axes, a.epsilon as f64, Center::Mean);
        let (used_mean, used_variance) = match a.training_mode {
            true => (n.mean.clone(), n.variance.clone()),
            false => (mean.to_f64(), variance.to_f64()),
        };
        let (scale, bias) = (need(x, 1, NAMES[1])?.to_f64(), need(x, 2, NAMES[2])?.to_f64());
        let inner: usize = data.shape()[2..].iter().product();
        let element = |(i, v): (usize, f64)| {
            let c = i / inner % data.shape()[1];
            (v - used_mean[c]) / (used_variance[c] + a.epsilon as f64).sqrt() * scale[c] + bias[c]
        };
        let y = data.to_f64().into_iter().enumerate().map(element).collect();
        let rest = [running(mean, &n.mean, a.momentum), running(variance, &n.variance, a.momentum)];
        let y = [tensor(data.dtype(), data.shape(), y)];
        Ok(y.into_iter().chain(rest).take(c.outputs).collect())
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let a = BatchNormAttrs::read(c.attrs)?;
        if a.training_mode {
            return training(&a, x, y);
        }
        let ty = Ty::of(wide(y[0].dtype));
        let data = need(x, 0, "X")?;
        let channel =
            |i: usize| -> Result<Expr> { Ok(Expr::load(i, need(x, i, NAMES[i])?, vec![Expr::var(1)]).cast(ty)) };
        let deviation = channel(4)?.add(&Expr::num(ty, a.epsilon as f64)).un(Un::Sqrt);
        let centered = Expr::load(0, data, Expr::vars(data.rank())).sub(&channel(3)?);
        let expr = centered.div(&deviation).mul(&channel(1)?).add(&channel(2)?);
        Ok(Lowering::Comps(vec![Comp::new(&y[0], expr)]))
    }
    fn samples(&self) -> Vec<Sample> {
        let operands = |shape: &[usize], dtype: DType| -> Vec<Tensor> {
            let c = [shape[1]];
            let positive =
                Tensor::new(DType::F32, &c, sample_floats(&c, 5).iter().map(|v| crate::Num::F(v.f().abs() + 0.5)));
            let list =
                [sample_floats(shape, 1), sample_floats(&c, 2), sample_floats(&c, 3), sample_floats(&c, 4), positive];
            list.into_iter().map(|t| t.cast(dtype)).collect()
        };
        let training = Attrs::new().with("training_mode", 1i64).with("momentum", 0.75f32);
        vec![
            Sample::new(Attrs::new(), operands(&[2, 3, 4, 5], DType::F32)),
            Sample::new(Attrs::new().with("epsilon", 0.25f32), operands(&[4, 3], DType::F64)),
            Sample::new(Attrs::new(), operands(&[2, 3, 5], DType::F16)),
            Sample { outputs: 3, ..Sample::new(training.clone(), operands(&[2, 3, 4, 5], DType::F32)) },
            Sample { outputs: 2, ..Sample::new(training.clone(), operands(&[4, 3], DType::F64)) },
            Sample::new(training, operands(&[4, 3, 2], DType::F16)),
        ]
    }
}
