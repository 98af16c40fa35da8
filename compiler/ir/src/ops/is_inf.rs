//! `IsInf`: whether elements are infinite. <https://onnx.ai/onnx/operators/onnx__IsInf.html>

use super::common::predicate::Predicate;
use crate::lower::Expr;
use crate::{Attrs, Result, attrs};

attrs!(IsInfAttrs {
    /// Whether minus infinity counts.
    detect_negative: bool = true,
    /// Whether plus infinity counts.
    detect_positive: bool = true,
});

/// The infinities that count.
fn counted(a: &Attrs) -> Result<Vec<f64>> {
    let a = IsInfAttrs::read(a)?;
    let list = [(a.detect_negative, f64::NEG_INFINITY), (a.detect_positive, f64::INFINITY)];
    Ok(list.iter().filter(|v| v.0).map(|v| v.1).collect())
}

fn is_one_of(x: &Expr, list: &[f64]) -> Expr {
    list.iter().fold(Expr::bool(false), |any, v| any.or(&x.eq(&x.like(*v))))
}

pub static IS_INF: Predicate = Predicate {
    name: "IsInf",
    schema: IsInfAttrs::SCHEMA,
    meaning: |a, v| Ok(counted(a)?.contains(&v)),
    lower: |a, x| Ok(is_one_of(x, &counted(a)?)),
    samples: || {
        vec![Attrs::new(), Attrs::new().with("detect_negative", 0i64), Attrs::new().with("detect_positive", 0i64)]
    },
};
