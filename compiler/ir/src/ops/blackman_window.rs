//! `BlackmanWindow`: `0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N)`. <https://onnx.ai/onnx/operators/onnx__BlackmanWindow.html>

use super::common::taper::{Taper, TaperAttrs};
use crate::lower::Lowering;
use crate::{Arity, Ctx, Fact, Op, Result, Sample, Tensor};

pub struct BlackmanWindow;

const TAPER: Taper = Taper(&[0.42, -0.5, 0.08]);

impl Op for BlackmanWindow {
    fn name(&self) -> &'static str {
        "BlackmanWindow"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        TaperAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        TAPER.infer(c, x)
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        TAPER.eval(c, x)
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        TAPER.lowering(c, x, y)
    }
    fn samples(&self) -> Vec<Sample> {
        TAPER.samples()
    }
}
