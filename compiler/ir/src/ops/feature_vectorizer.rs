//! `FeatureVectorizer`: the columns of several matrices side by side, each cut or filled with zeros to a given number.
//! <https://onnx.ai/onnx/operators/onnx_aionnxml_FeatureVectorizer.html>

use super::common::elementwise::all;
use super::common::trees::{natural, rows};
use crate::lower::{Comp, Expr, Lowering, Ty};
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(FeatureVectorizerAttrs {
    /// Number of columns of each operand in the result.
    inputdimensions: Vec<i64>,
});

pub struct FeatureVectorizer;

/// Numbers of columns, one for each of `n` operands.
fn widths(c: &Ctx, n: usize) -> Result<Vec<usize>> {
    let v = FeatureVectorizerAttrs::read(c.attrs)?.inputdimensions;
    ensure!(v.len() == n, "attribute inputdimensions has {} numbers, expected one for each of {n} operands", v.len());
    v.into_iter().map(|d| natural(d, "inputdimensions")).collect()
}

impl Op for FeatureVectorizer {
    fn name(&self) -> &'static str {
        "FeatureVectorizer"
    }
    fn domain(&self) -> &'static str {
        "ai.onnx.ml"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        FeatureVectorizerAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::at_least(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = all(x)?;
        let width: usize = widths(c, x.len())?.iter().sum();
        let mut n = x[0].shape.first().cloned().unwrap_or(1.into());
        for f in &x {
            ensure!(
                (1..=2).contains(&f.rank()) && f.dtype != DType::Bool,
                "an operand is {f}, expected numbers [N] or [N,C]"
            );
            n = super::common::movement::unify(&n, &f.shape[0])?;
        }
        Ok(vec![Fact::new(DType::F32, [n, Dim::from(width)])])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = all(x)?;
        let widths = widths(c, x.len())?;
        let n = x[0].shape()[0];
        let mut out = vec![vec![]; n];
        for (t, w) in x.iter().zip(&widths) {
            let have = if t.rank() == 2 { t.shape()[1] } else { 1 };
            for (i, row) in out.iter_mut().enumerate() {
                row.extend((0..*w).map(|k| if k < have { t.at(i * have + k).f() } else { 0.0 }));
            }
        }
        Ok(vec![rows(DType::F32, out, widths.iter().sum())])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (x, column) = (all(x)?, Expr::var(1));
        let (mut from, mut parts) = (0, vec![]);
        for (i, (f, w)) in x.iter().zip(widths(c, x.len())?).enumerate() {
            let k = column.sub(&Expr::int(from));
            let one = Dim::from(1);
            let index = if f.rank() == 2 { vec![Expr::var(0), k.clone()] } else { vec![Expr::var(0)] };
            let v = Expr::load(i, f, index).cast(Ty::F32);
            from += w as i64;
            parts.push((from, k.within(f.shape.get(1).unwrap_or(&one)).select(&v, &v.like(0.0))));
        }
        let none = Expr::num(Ty::F32, 0.0);
        let pick = |rest: Expr, (end, v): &(i64, Expr)| column.lt(&Expr::int(*end)).select(v, &rest);
        Ok(Lowering::Comps(vec![Comp::new(&y[0], parts.iter().rev().fold(none, pick))]))
    }
    fn samples(&self) -> Vec<Sample> {
        let a = |v: &[i64]| Attrs::new().with("inputdimensions", v);
        let x = Tensor::f32(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let k = Tensor::i64(&[2, 2], &[7, 8, 9, 10]);
        vec![
            Sample::new(a(&[3, 2]), vec![x.clone(), k.clone()]),
            Sample::new(a(&[2, 4, 1]), vec![x, k, Tensor::floats(DType::F64, &[2], &[0.5, 1.5])]),
        ]
    }
}
