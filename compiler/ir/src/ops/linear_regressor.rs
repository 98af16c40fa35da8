//! `LinearRegressor`: `y = X * coefficients^T + intercepts`, transformed.
//! <https://onnx.ai/onnx/operators/onnx_aionnxml_LinearRegressor.html>

use super::common::affine::{Affine, some};
use super::common::elementwise::sample_floats;
use super::common::expansion::Expansion;
use super::common::scores::Post;
use super::common::trees::{natural, rows};
use crate::lower::Lowering;
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Op, Result, Sample, Tensor, attrs};

attrs!(LinearRegressorAttrs {
    /// One row for each target.
    coefficients: Vec<f32> = vec![],
    /// One for each target.
    intercepts: Vec<f32> = vec![],
    /// Transformation of the results.
    post_transform: String = "NONE".into(),
    /// Number of targets.
    targets: i64 = 1,
});

pub struct LinearRegressor;

fn read(c: &Ctx) -> Result<(Affine, Post)> {
    let a = LinearRegressorAttrs::read(c.attrs)?;
    let coefficients = some(a.coefficients, "coefficients")?;
    let scores = natural(a.targets, "targets")?;
    Ok((Affine { coefficients, intercepts: a.intercepts, scores }, Post::named(&a.post_transform)?))
}

impl Op for LinearRegressor {
    fn name(&self) -> &'static str {
        "LinearRegressor"
    }
    fn domain(&self) -> &'static str {
        "ai.onnx.ml"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        LinearRegressorAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (x, (affine, _)) = (need(x, 0, "X")?, read(c)?);
        affine.features(x)?;
        Ok(vec![Fact::new(DType::F32, [x.shape[0].clone(), Dim::from(affine.scores)])])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (affine, post) = read(c)?;
        let scores = affine.eval(need(x, 0, "X")?)?.iter().map(|r| post.row(r)).collect();
        Ok(vec![rows(DType::F32, scores, affine.scores)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], _: &[Fact]) -> Result<Lowering> {
        let (affine, post) = read(c)?;
        let mut e = Expansion::of(x);
        let v = e.x(0)?;
        let v = affine.apply(&mut e, v)?;
        let y = post.apply(&mut e, v)?;
        Ok(e.done(&[y]))
    }
    fn samples(&self) -> Vec<Sample> {
        let a = |n: i64, c: &[f32]| Attrs::new().with("targets", n).with("coefficients", c.to_vec());
        let two = a(2, &[0.5, -1.0, 0.25, 2.0, 1.0, -0.5]).with("intercepts", vec![0.5f32, -0.25]);
        let x = sample_floats(&[4, 3], 1);
        let mut all = vec![
            Sample::new(a(1, &[0.5, -1.0, 0.25]), vec![x.clone()]),
            Sample::new(two.clone(), vec![Tensor::i64(&[2, 3], &[1, 2, 3, -4, 5, 6])]),
        ];
        for post in ["SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO"] {
            all.push(Sample::new(two.clone().with("post_transform", post), vec![x.clone()]));
        }
        let small = a(1, &[0.125]).with("intercepts", vec![0.5f32]).with("post_transform", "PROBIT");
        all.push(Sample::new(small, vec![Tensor::f32(&[3, 1], &[1.0, -2.0, 0.0])]));
        all
    }
}
