//! `InstanceNormalization`: every channel of every instance to zero mean and unit variance, then scale and bias.
//! <https://onnx.ai/onnx/operators/onnx__InstanceNormalization.html>

use super::common::elementwise::sample_floats;
use super::common::expansion::Expansion;
use super::common::normalize::{self, Center, affine, check_channels, per_channel, tensor};
use super::common::unary::check_type;
use crate::lower::Lowering;
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(InstanceNormAttrs {
    /// Added to the variance.
    epsilon: f32 = 1e-5,
});

pub struct InstanceNormalization;

/// One value a channel with axes of extent 1 for what follows the channel.
pub fn channels(t: &Tensor, rank: usize) -> Result<Tensor> {
    let mut shape = vec![1; rank - 1];
    shape[0] = t.len();
    t.reshape(&shape)
}

impl Op for InstanceNormalization {
    fn name(&self) -> &'static str {
        "InstanceNormalization"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        InstanceNormAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(3)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        InstanceNormAttrs::read(c.attrs)?;
        let data = need(x, 0, "input")?;
        check_type(DType::is_float, data.dtype)?;
        ensure!(data.rank() >= 2, "the input is {data}, expected rank 2 or more");
        let mut y = Fact::new(data.dtype, data.shape.clone());
        check_channels(need(x, 1, "scale")?, &mut y.shape[1], "scale")?;
        check_channels(need(x, 2, "B")?, &mut y.shape[1], "B")?;
        Ok(vec![y])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let epsilon = InstanceNormAttrs::read(c.attrs)?.epsilon as f64;
        let data = need(x, 0, "input")?;
        let axes: Vec<usize> = (2..data.rank()).collect();
        let n = normalize::eval(&data.to_f64(), data.shape(), &axes, epsilon, Center::Mean);
        let (scale, bias) = (channels(need(x, 1, "scale")?, data.rank())?, channels(need(x, 2, "B")?, data.rank())?);
        Ok(vec![tensor(data.dtype(), data.shape(), affine(&n.y, data.shape(), &scale, Some(&bias)))])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let epsilon = InstanceNormAttrs::read(c.attrs)?.epsilon as f64;
        let (mut e, rank) = (Expansion::of(x), y[0].rank());
        let v = e.x(0)?;
        let v = normalize::statistics(&mut e, v)?;
        let axes: Vec<i64> = (2..rank as i64).collect();
        let n = normalize::expand(&mut e, v, &axes, epsilon, Center::Mean)?;
        let (scale, bias) = (e.x(1)?, e.x(2)?);
        let (scale, bias) = (per_channel(&mut e, scale, rank)?, per_channel(&mut e, bias, rank)?);
        let out = normalize::expand_affine(&mut e, n.y, scale, Some(bias))?;
        let out = e.cast(out, y[0].dtype)?;
        Ok(e.done(&[out]))
    }
    fn samples(&self) -> Vec<Sample> {
        let x = |shape: &[usize], d: DType| {
            let list = [sample_floats(shape, 1), sample_floats(&shape[1..2], 2), sample_floats(&shape[1..2], 3)];
            list.into_iter().map(|t| t.cast(d)).collect()
        };
        vec![
            Sample::new(Attrs::new(), x(&[2, 3, 4, 5], DType::F32)),
            Sample::new(Attrs::new().with("epsilon", 0.01f32), x(&[2, 3, 7], DType::F64)),
            Sample::new(Attrs::new(), x(&[2, 3, 5], DType::F16)),
        ]
    }
}
