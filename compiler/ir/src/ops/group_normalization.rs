//! `GroupNormalization`: groups of channels of every instance to zero mean and unit variance, then scale and bias of
//! each channel. <https://onnx.ai/onnx/operators/onnx__GroupNormalization.html>

use super::common::elementwise::sample_floats;
use super::common::expansion::Expansion;
use super::common::normalize::{self, Center, affine, check_channels, per_channel, tensor};
use super::common::unary::check_type;
use super::instance_normalization::channels;
use crate::lower::Lowering;
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor, Value, attrs, ensure};

attrs!(GroupNormAttrs {
    /// Added to the variance.
    epsilon: f32 = 1e-5,
    /// Number of groups of channels.
    num_groups: i64,
    /// Element type of the statistics, as ONNX numbers them.
    stash_type: i64 = 1,
});

pub struct GroupNormalization;

/// The shape (N, groups, C / groups * D1 * ..) of an image of shape (N, C, D1, ..): no size is left to be found, since
/// none can be where there are no images.
fn grouped(e: &mut Expansion, shape: Value, rank: usize, groups: i64) -> Result<Value> {
    let groups = e.ints(&[groups]);
    let size = |e: &mut Expansion, axis: usize| {
        let (from, to) = (e.ints(&[axis as i64]), e.ints(&[axis as i64 + 1]));
        e.op("Slice", &[shape, from, to])
    };
    let (images, channels) = (size(e, 0)?, size(e, 1)?);
    let mut each = e.op("Div", &[channels, groups])?;
    for axis in 2..rank {
        let n = size(e, axis)?;
        each = e.op("Mul", &[each, n])?;
    }
    e.with("Concat", Attrs::new().with("axis", 0), &[images, groups, each])
}

impl Op for GroupNormalization {
    fn name(&self) -> &'static str {
        "GroupNormalization"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        GroupNormAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(3)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let groups = GroupNormAttrs::read(c.attrs)?.num_groups;
        let data = need(x, 0, "X")?;
        check_type(DType::is_float, data.dtype)?;
        ensure!(data.rank() >= 2, "operand X is {data}, expected rank 2 or more");
        let mut y = Fact::new(data.dtype, data.shape.clone());
        check_channels(need(x, 1, "scale")?, &mut y.shape[1], "scale")?;
        check_channels(need(x, 2, "bias")?, &mut y.shape[1], "bias")?;
        let divides = groups > 0 && y.shape[1].as_const().is_none_or(|c| c % groups == 0);
        ensure!(divides, "num_groups is {groups}, expected a divisor of {} channels", y.shape[1]);
        Ok(vec![y])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let a = GroupNormAttrs::read(c.attrs)?;
        let data = need(x, 0, "X")?;
        let (n, groups) = (data.shape()[0], a.num_groups as usize);
        let grouped = [n, groups, data.len() / (n * groups).max(1)];
        let n = normalize::eval(&data.to_f64(), &grouped, &[2], a.epsilon as f64, Center::Mean);
        let rank = data.rank();
        let (scale, bias) = (channels(need(x, 1, "scale")?, rank)?, channels(need(x, 2, "bias")?, rank)?);
        Ok(vec![tensor(data.dtype(), data.shape(), affine(&n.y, data.shape(), &scale, Some(&bias)))])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let a = GroupNormAttrs::read(c.attrs)?;
        let (mut e, rank) = (Expansion::of(x), y[0].rank());
        let v = e.x(0)?;
        let shape = e.op("Shape", &[v])?;
        let v = normalize::statistics(&mut e, v)?;
        let grouped = grouped(&mut e, shape, rank, a.num_groups)?;
        let v = e.reshape(v, grouped)?;
        let n = normalize::expand(&mut e, v, &[2], a.epsilon as f64, Center::Mean)?;
        let v = e.reshape(n.y, shape)?;
        let (scale, bias) = (e.x(1)?, e.x(2)?);
        let (scale, bias) = (per_channel(&mut e, scale, rank)?, per_channel(&mut e, bias, rank)?);
        let out = normalize::expand_affine(&mut e, v, scale, Some(bias))?;
        let out = e.cast(out, y[0].dtype)?;
        Ok(e.done(&[out]))
    }
    fn samples(&self) -> Vec<Sample> {
        let x = |shape: &[usize], d: DType| {
            let list = [sample_floats(shape, 1), sample_floats(&shape[1..2], 2), sample_floats(&shape[1..2], 3)];
            list.into_iter().map(|t| t.cast(d)).collect()
        };
        let groups = |g: i64| Attrs::new().with("num_groups", g);
        vec![
            Sample::new(groups(2), x(&[3, 4, 2, 5], DType::F32)),
            Sample::new(groups(1), x(&[2, 3, 7], DType::F32)),
            Sample::new(groups(2), x(&[0, 4, 2, 5], DType::F32)),
            Sample::new(groups(3).with("epsilon", 0.01f32), x(&[2, 6, 5], DType::F64)),
            Sample::new(groups(2).with("stash_type", 1i64), x(&[2, 4, 5], DType::F16)),
        ]
    }
}
