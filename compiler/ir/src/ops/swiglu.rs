//! `SwiGLU`: `a * sigmoid(alpha * a) * b`. <https://onnx.ai/onnx/operators/onnx__SwiGLU.html>

use super::common::elementwise::{self, all, sample_floats};
use super::common::unary::check_type;
use crate::infer::same_dtype;
use crate::lower::{self, Lowering};
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(SwigluAttrs {
    /// Coefficient inside the sigmoid.
    alpha: f32 = 1.0,
});

pub struct Swiglu;

impl Op for Swiglu {
    fn name(&self) -> &'static str {
        "SwiGLU"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        SwigluAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        SwigluAttrs::read(c.attrs)?;
        let x = all(x)?;
        same_dtype(&x)?;
        check_type(DType::is_float, x[0].dtype)?;
        ensure!(x[0].rank() == x[1].rank(), "operands are {} and {}, expected one shape", x[0], x[1]);
        Ok(vec![elementwise::infer(&x, x[0].dtype)?])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (x, alpha) = (all(x)?, SwigluAttrs::read(c.attrs)?.alpha as f64);
        let gate = |a: f64, b: f64| a / (1.0 + (-alpha * a).exp()) * b;
        Ok(vec![elementwise::eval(&x, x[0].dtype(), |v| Num::F(gate(v[0].f(), v[1].f())))?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let alpha = SwigluAttrs::read(c.attrs)?.alpha as f64;
        Ok(lower::map(&y[0], &all(x)?, |v| {
            let gate = v[0].mul(&v[0].like(alpha)).sigmoid();
            v[0].mul(&gate).mul(&v[1])
        }))
    }
    fn samples(&self) -> Vec<Sample> {
        let x = |d: DType| vec![sample_floats(&[2, 5], 1).cast(d), sample_floats(&[2, 5], 2).cast(d)];
        vec![
            Sample::new(Attrs::new(), x(DType::F32)),
            Sample::new(Attrs::new().with("alpha", 0.5f32), x(DType::F64)),
            Sample::new(Attrs::new(), x(DType::F16)),
        ]
    }
}
