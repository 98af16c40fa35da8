//! `Size`: the number of elements. <https://onnx.ai/onnx/operators/onnx__Size.html>

use super::common::movement::counting;
use crate::lower::{Comp, Expr, Lowering};
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor};

pub struct Size;

impl Op for Size {
    fn name(&self) -> &'static str {
        "Size"
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|_| true)
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        Ok(vec![Fact::new(DType::I64, []).with_dims(vec![need(x, 0, "data")?.len()])])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        Ok(vec![Tensor::scalar(DType::I64, Num::I(need(x, 0, "data")?.len() as i128))])
    }
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        Ok(Lowering::Comps(vec![Comp::new(&y[0], Expr::size(&need(x, 0, "data")?.len()))]))
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let shapes: [&[usize]; 3] = [&[2, 3], &[], &[0, 4]];
        shapes.iter().map(|s| Sample::new(Attrs::new(), vec![counting(s)])).collect()
    }
}
