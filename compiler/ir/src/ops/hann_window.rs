//! `HannWindow`: `sin(pi n / N)^2`. <https://onnx.ai/onnx/operators/onnx__HannWindow.html>

use super::common::taper::{Taper, TaperAttrs};
use crate::lower::Lowering;
use crate::{Arity, Ctx, Fact, Op, Result, Sample, Tensor};

pub struct HannWindow;

const TAPER: Taper = Taper(&[0.5, -0.5]);

impl Op for HannWindow {
    fn name(&self) -> &'static str {
        "HannWindow"
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
