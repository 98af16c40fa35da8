//! Negative log likelihood of labels: NegativeLogLikelihoodLoss, and SoftmaxCrossEntropyLoss on top of it.

use super::elementwise::sample_floats;
use super::normalize::tensor;
use super::unary::check_type;
use crate::lower::{Comp, Expr, Lowering, Monoid, Ty};
use crate::op::{maybe, need, shaped};
use crate::tensor::for_each_index;
use crate::{Attrs, DType, Dim, Fact, Result, Sample, Tensor, attrs, ensure};

attrs!(LossAttrs {
    /// Label that does not count.
    ignore_index: Option<i64>,
    /// `none`, `sum`, or `mean` weighted.
    reduction: String = "mean".into(),
});

/// Fact of the loss of log probabilities `x` (batch, class, ..) for labels (batch, ..) and weights (class).
pub fn infer(a: &LossAttrs, x: &[Option<&Fact>]) -> Result<Fact> {
    let (data, labels) = (need(x, 0, "input")?, need(x, 1, "target")?);
    check_type(DType::is_float, data.dtype)?;
    check_type(DType::is_int, labels.dtype)?;
    ensure!(data.rank() >= 2, "operand input is {data}, expected rank 2 or more");
    ensure!(labels.rank() + 1 == data.rank(), "operand target is {labels}, expected rank {}", data.rank() - 1);
    let places: Vec<Dim> = data.shape[..1].iter().chain(&data.shape[2..]).cloned().collect();
    shaped("target", &labels.shape, &places)?;
    if let Some(w) = maybe(x, 2) {
        ensure!(
            w.rank() == 1 && w.dtype == data.dtype,
            "operand weights is {w}, expected {}[{}]",
            data.dtype,
            data.shape[1]
        );
        shaped("weights", &w.shape, &data.shape[1..2])?;
    }
    let known = ["none", "sum", "mean"].contains(&a.reduction.as_str());
    ensure!(known, "reduction is {:?}, expected none, sum or mean", a.reduction);
    let shape = if a.reduction == "none" { labels.shape.clone() } else { vec![] };
    Ok(Fact::new(data.dtype, shape))
}

/// Meaning, from the log probabilities in f64.
pub fn eval(a: &LossAttrs, x: &Tensor, log: &[f64], labels: &Tensor, weights: Option<&Tensor>) -> Result<Tensor> {
    let (classes, steps) = (x.shape()[1] as i64, x.strides());
    let (mut losses, mut total, mut wrong) = (vec![], 0.0, None);
    for_each_index(labels.shape(), |idx| {
        let label = labels.at(losses.len()).i() as i64;
        if Some(label) == a.ignore_index {
            return losses.push(0.0);
        }
        if !(0..classes).contains(&label) {
            wrong = Some(label);
            return losses.push(0.0);
        }
        let rest: usize = idx[1..].iter().zip(&steps[2..]).map(|(i, s)| i * s).sum();
        let weight = weights.map_or(1.0, |w| w.at(label as usize).f());
        losses.push(-weight * log[idx[0] * steps[0] + label as usize * steps[1] + rest]);
        total += weight;
    });
    ensure!(wrong.is_none(), "operand target has {}, expected one of 0..{classes}", wrong.unwrap_or_default());
    let sum: f64 = losses.iter().sum();
    Ok(match a.reduction.as_str() {
        "none" => tensor(x.dtype(), labels.shape(), losses),
        "sum" => tensor(x.dtype(), &[], vec![sum]),
        _ => tensor(x.dtype(), &[], vec![sum / total]),
    })
}

/// The loss of operands 0 to 2. A label outside of the classes is taken as the nearest class.
pub fn lowering(a: &LossAttrs, x: &[Option<&Fact>], y: &Fact) -> Result<Lowering> {
    let (data, labels) = (need(x, 0, "input")?, need(x, 1, "target")?);
    let ty = Ty::of(data.dtype);
    let at = Expr::vars(labels.rank());
    let label = Expr::load(1, labels, at.clone()).cast(Ty::I64);
    let last = Expr::size(&(data.shape[1].clone() - 1.into()));
    let class = label.max(&Expr::int(0)).min(&last);
    let mut index = at;
    index.insert(1, class.clone());
    let (zero, one) = (Expr::num(ty, 0.0), Expr::num(ty, 1.0));
    let weight = maybe(x, 2).map_or(one, |w| Expr::load(2, w, vec![class]));
    let loss = zero.sub(&Expr::load(0, data, index).mul(&weight));
    let counted = |e: &Expr| match a.ignore_index {
        Some(i) => label.eq(&Expr::int(i)).select(&zero, e),
        None => e.clone(),
    };
    let over: Vec<(u32, Dim)> = labels.shape.iter().cloned().enumerate().map(|(i, d)| (i as u32, d)).collect();
    let sum = |e: &Expr| Expr::reduce(Monoid::Sum, over.clone(), counted(e));
    let expr = match a.reduction.as_str() {
        "none" => counted(&loss),
        "sum" => sum(&loss),
        _ => sum(&loss).div(&sum(&weight)),
    };
    Ok(Lowering::Comps(vec![Comp::new(y, expr)]))
}

/// Samples of a loss: scores, labels and weights under every attribute.
pub fn samples() -> Vec<Sample> {
    let labels = |shape: &[usize], v: &[i64]| Some(Tensor::i64(shape, v));
    let weights = || Some(Tensor::f32(&[3], &[0.5, 1.0, 2.0]));
    let deep = || Some(sample_floats(&[2, 3, 2, 2], 1));
    let many = || labels(&[2, 2, 2], &[0, 1, 2, 2, 1, 0, 0, 2]);
    let mut out = vec![];
    for reduction in ["none", "sum", "mean"] {
        let attrs = || Attrs::new().with("reduction", reduction);
        let x = vec![Some(sample_floats(&[4, 3], 1)), labels(&[4], &[0, 2, 1, 2])];
        out.push(Sample { attrs: attrs(), x, outputs: 1 });
        out.push(Sample { attrs: attrs(), x: vec![deep(), many(), weights()], outputs: 1 });
        out.push(Sample { attrs: attrs().with("ignore_index", 2i64), x: vec![deep(), many(), weights()], outputs: 1 });
        let x = vec![Some(sample_floats(&[3, 3], 1)), labels(&[3], &[0, -100, 1])];
        out.push(Sample { attrs: attrs().with("ignore_index", -100i64), x, outputs: 1 });
    }
    let half = sample_floats(&[3, 3], 1).cast(DType::F16);
    let x = vec![Some(half), Some(Tensor::i64(&[3], &[2, 0, 1]).cast(DType::I32))];
    out.push(Sample { attrs: Attrs::new(), x, outputs: 1 });
    out
}
