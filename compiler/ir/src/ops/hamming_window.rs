//! `HammingWindow`: `25/46 - 21/46 cos(2 pi n / N)`. <https://onnx.ai/onnx/operators/onnx__HammingWindow.html>

use super::common::taper::{Taper, TaperAttrs};
use crate::lower::Lowering;
use crate::{Arity, Ctx, Fact, Op, Result, Sample, Tensor};

pub struct HammingWindow;

const TAPER: Taper = Taper(&[25.0 / 46.0, -21.0 / 46.0]);

impl Op for HammingWindow {
    fn name(&self) -> &'static str {
        "HammingWindow"
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
