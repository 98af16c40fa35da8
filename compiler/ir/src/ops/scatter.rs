//! `Scatter`: the older name of [`super::scatter_elements`]. <https://onnx.ai/onnx/operators/onnx__Scatter.html>

use super::common::movement::counting;
use super::scatter_elements as elements;
use crate::lower::Lowering;
use crate::op::Strings;
use crate::{Arity, Attrs, Ctx, Fact, Op, Result, Sample, Tensor, attrs};

attrs!(ScatterAttrs {
    /// The axis; negative counts from the end.
    axis: i64 = 0,
});

pub struct Scatter;

impl Op for Scatter {
    fn name(&self) -> &'static str {
        "Scatter"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        ScatterAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(3)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|i| i != 1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        ScatterAttrs::read(c.attrs)?;
        elements::infer(c, x)
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        elements::eval(c, x)
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        elements::lowering(c, x, y)
    }
    fn samples(&self) -> Vec<Sample> {
        let at = Tensor::i64(&[1, 2], &[1, 3]);
        vec![Sample::new(Attrs::new().with("axis", 1i64), vec![counting(&[1, 5]), at, counting(&[1, 2])])]
    }
}
