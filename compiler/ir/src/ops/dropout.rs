//! `Dropout` of a trained model: `y = x`, and a mask that is all true.
//! <https://onnx.ai/onnx/operators/onnx__Dropout.html>

use super::common::elementwise::sample_floats;
use super::common::unary::check_type;
use crate::lower::{Comp, Expr, Lowering};
use crate::op::{maybe, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(DropoutAttrs {
    /// Seed of the random numbers that training draws; without effect here.
    seed: Option<i64>,
});

pub struct Dropout;

/// Whether nothing is dropped: training is off, or the ratio is 0.
fn inactive(x: &[Option<&Fact>]) -> bool {
    let zero = |t: &Tensor| t.iter().all(|v| !v.truth());
    let off = |i: usize| maybe(x, i).and_then(|f| f.constant()).is_some_and(zero);
    maybe(x, 2).is_none() || off(2) || off(1)
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
        ensure!(inactive(x), "training_mode is on or computed, expected a constant false (or ratio 0)");
        let all = [data.clone(), Fact::new(DType::Bool, data.shape.clone())];
        Ok(all.into_iter().take(c.outputs).collect())
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "data")?;
        let mask = Tensor::new(DType::Bool, x.shape(), vec![Num::I(1); x.len()]);
        Ok([x.clone(), mask].into_iter().take(c.outputs).collect())
    }
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let x = need(x, 0, "data")?;
        Ok(match y {
            [_] => Lowering::Alias,
            _ => Lowering::Comps(vec![
                Comp::new(&y[0], Expr::load(0, x, Expr::vars(x.rank()))),
                Comp::new(&y[1], Expr::bool(true)),
            ]),
        })
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let ratio = Tensor::f32(&[], &[0.5]);
        let off = Tensor::floats(DType::Bool, &[], &[0.0]);
        let one = Sample::new(Attrs::new().with("seed", 7i64), vec![sample_floats(&[2, 3], 1), ratio, off]);
        let bare = Sample::new(Attrs::new(), vec![sample_floats(&[3], 1).cast(DType::F16)]);
        vec![one.clone(), Sample { outputs: 2, ..one }, bare]
    }
}
