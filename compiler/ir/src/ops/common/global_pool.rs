//! One element for each channel of each instance.

use super::elementwise::sample_floats;
use super::expansion::Expansion;
use super::reduction;
use super::unary::check_type;
use crate::lower::Lowering;
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, ensure};

/// A reduction over all spatial axes, which stay with extent 1.
pub struct GlobalPool {
    /// ONNX name.
    pub name: &'static str,
    /// One element from those of a channel.
    pub meaning: fn(&[Num]) -> Num,
    /// The reduction it is.
    pub reduction: &'static str,
}

impl Op for GlobalPool {
    fn name(&self) -> &'static str {
        self.name
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = need(x, 0, "X")?;
        check_type(DType::is_float, x.dtype)?;
        ensure!(x.rank() >= 2, "operand X is {x}, expected rank 2 or more");
        let axes: Vec<usize> = (2..x.rank()).collect();
        Ok(vec![Fact::new(x.dtype, reduction::reduced_shape(&x.shape, &axes, true, 1.into()))])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "X")?;
        Ok(vec![reduction::eval(x, &(2..x.rank()).collect::<Vec<_>>(), true, self.meaning)])
    }
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let mut e = Expansion::of(x);
        let v = e.x(0)?;
        let out = e.reduce(self.reduction, v, &(2..y[0].rank() as i64).collect::<Vec<_>>())?;
        Ok(e.done(&[out]))
    }
    fn samples(&self) -> Vec<Sample> {
        let x = [
            sample_floats(&[2, 3, 4, 5], 1),
            sample_floats(&[1, 2, 7], 2).cast(DType::F64),
            sample_floats(&[2, 3, 5], 3).cast(DType::F16),
        ];
        x.into_iter().map(|x| Sample::new(Attrs::new(), vec![x])).collect()
    }
}
