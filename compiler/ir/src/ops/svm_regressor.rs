//! `SVMRegressor`: `y = sum over support vectors of coefficient * kernel(x, vector) + rho`; as one-class machine its
//! sign. <https://onnx.ai/onnx/operators/onnx_aionnxml_SVMRegressor.html>

use super::common::elementwise::sample_floats;
use super::common::expansion::Expansion;
use super::common::kernel::Kernel;
use super::common::scores::Post;
use super::common::trees::{matrix, natural, rows};
use crate::lower::Lowering;
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(SvmRegressorAttrs {
    /// One for each support vector; without support vectors the only one, and the kernel is linear.
    coefficients: Vec<f32> = vec![],
    /// gamma, coef0 and degree.
    kernel_params: Vec<f32> = vec![],
    /// `LINEAR`, `POLY`, `RBF` or `SIGMOID`.
    kernel_type: String = "LINEAR".into(),
    /// Number of support vectors.
    n_supports: i64 = 0,
    /// Whether the result is 1 where the sum is above 0, else -1.
    one_class: bool = false,
    /// Transformation of the results.
    post_transform: String = "NONE".into(),
    /// Added to the sum: one number.
    rho: Vec<f32> = vec![],
    /// The support vectors, one after another.
    support_vectors: Vec<f32> = vec![],
});

pub struct SvmRegressor;

/// The machine: kernel and coefficients, then what is added, whether signs are taken, and the transformation.
struct Machine {
    kernel: Kernel,
    coefficients: Vec<f32>,
    rho: f32,
    one_class: bool,
    post: Post,
}

impl Machine {
    fn read(c: &Ctx) -> Result<Self> {
        let a = SvmRegressorAttrs::read(c.attrs)?;
        let (post, n) = (Post::named(&a.post_transform)?, natural(a.n_supports, "n_supports")?);
        ensure!(matches!(post, Post::None), "post_transform of SVMRegressor is not defined but for NONE");
        ensure!(a.rho.len() == 1, "rho has {} numbers, expected 1", a.rho.len());
        let (kernel, coefficients) = match n {
            0 => (Kernel::read("LINEAR", &[], a.coefficients, 1)?, vec![1.0]),
            n => (Kernel::read(&a.kernel_type, &a.kernel_params, a.support_vectors, n)?, a.coefficients),
        };
        let found = coefficients.len();
        ensure!(
            found == kernel.count,
            "attribute coefficients has {found} numbers, expected one for each of {} support vectors",
            kernel.count
        );
        Ok(Machine { kernel, coefficients, rho: a.rho[0], one_class: a.one_class, post })
    }

    fn check(&self, x: &Fact) -> Result<()> {
        let f = matrix(x)?;
        let fits = f.is_none_or(|f| f == self.kernel.features as i64) && x.dtype != DType::Bool;
        ensure!(fits, "operand X is {x}, expected numbers of {} features", self.kernel.features);
        Ok(())
    }
}

impl Op for SvmRegressor {
    fn name(&self) -> &'static str {
        "SVMRegressor"
    }
    fn domain(&self) -> &'static str {
        "ai.onnx.ml"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        SvmRegressorAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = need(x, 0, "X")?;
        Machine::read(c)?.check(x)?;
        Ok(vec![Fact::new(DType::F32, [x.shape[0].clone(), 1.into()])])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (x, m) = (need(x, 0, "X")?, Machine::read(c)?);
        m.check(&x.type_fact())?;
        let one = |row: &[f64]| {
            let parts = m.kernel.row(row);
            let sum: f64 = parts.iter().zip(&m.coefficients).map(|(k, c)| k * *c as f64).sum::<f64>() + m.rho as f64;
            let sign = if sum > 0.0 { 1.0 } else { -1.0 };
            m.post.row(&[if m.one_class { sign } else { sum }])
        };
        Ok(vec![rows(DType::F32, x.to_f64().chunks(m.kernel.features).map(one).collect(), 1)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], _: &[Fact]) -> Result<Lowering> {
        let m = Machine::read(c)?;
        let mut e = Expansion::of(x);
        let v = e.x(0)?;
        let v = e.cast(v, DType::F32)?;
        let parts = m.kernel.apply(&mut e, v)?;
        let own = e.constant(Tensor::f32(&[m.coefficients.len(), 1], &m.coefficients));
        let rho = e.scalar(DType::F32, m.rho as f64);
        let sum = e.op("MatMul", &[parts, own])?;
        let mut y = e.op("Add", &[sum, rho])?;
        if m.one_class {
            let (zero, one, less) = (e.scalar(DType::F32, 0.0), e.scalar(DType::F32, 1.0), e.scalar(DType::F32, -1.0));
            let above = e.op("Greater", &[y, zero])?;
            y = e.op("Where", &[above, one, less])?;
        }
        Ok(e.done(&[y]))
    }
    fn samples(&self) -> Vec<Sample> {
        let x = sample_floats(&[4, 2], 1);
        let vectors = vec![0.5f32, 0.125, -0.25, 0.25, 0.375, -0.5];
        let a = |kernel: &str| {
            Attrs::new()
                .with("coefficients", vec![0.5f32, -0.25, -0.375])
                .with("kernel_params", vec![0.25f32, 0.5, 3.0])
                .with("kernel_type", kernel)
                .with("n_supports", 3i64)
                .with("rho", vec![0.125f32])
                .with("support_vectors", vectors.clone())
        };
        let linear = Attrs::new().with("coefficients", vec![0.5f32, -0.25]).with("rho", vec![0.125f32]);
        vec![
            Sample::new(a("RBF"), vec![x.clone()]),
            Sample::new(a("POLY").with("post_transform", "NONE"), vec![x.clone()]),
            Sample::new(a("SIGMOID"), vec![x.clone()]),
            Sample::new(a("LINEAR").with("one_class", 1i64), vec![x.clone()]),
            Sample::new(linear, vec![x.cast(DType::F64)]),
        ]
    }
}
