//! `AffineGrid`: positions of a regular grid in `-1..1`, moved by affine maps.
//! <https://onnx.ai/onnx/operators/onnx__AffineGrid.html>

use super::common::elementwise::sample_floats;
use super::common::movement::{dynamic, element, ints, unify, vector_len};
use crate::lower::{Comp, Expr, Lowering, Ty};
use crate::op::need;
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(AffineGridAttrs {
    /// Whether -1 and 1 are the centers of the outer pixels (true) or their outer edges.
    align_corners: bool = false,
});

pub struct AffineGrid;

/// Position in `-1..1` of pixel `i` of `n`; a single pixel with aligned corners is at -1.
fn position(i: f64, n: f64, align: bool) -> f64 {
    if align { 2.0 * i / (n - 1.0).max(1.0) - 1.0 } else { (2.0 * i + 1.0) / n - 1.0 }
}

fn position_expr(i: &Expr, d: &Dim, align: bool) -> Expr {
    let f = |v: f64| Expr::num(Ty::F64, v);
    let (twice, n) = (i.cast(Ty::F64).mul(&f(2.0)), Expr::size(d).cast(Ty::F64));
    match align {
        true => twice.div(&n.sub(&f(1.0)).max(&f(1.0))).sub(&f(1.0)),
        false => twice.add(&f(1.0)).div(&n).sub(&f(1.0)),
    }
}

impl Op for AffineGrid {
    fn name(&self) -> &'static str {
        "AffineGrid"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        AffineGridAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (theta, size) = (need(x, 0, "theta")?, need(x, 1, "size")?);
        let n = vector_len(x, 1, "size")?;
        ensure!(n == 4 || n == 5, "size has {n} elements, expected 4 or 5");
        ensure!(theta.rank() == 3 && theta.dtype.is_float(), "operand theta is {theta}, expected floats of rank 3");
        unify(&theta.shape[1], &(n - 2).into())?;
        unify(&theta.shape[2], &(n - 1).into())?;
        let sizes = size.as_dims().unwrap_or_else(|| (0..n).map(|k| c.fresh(k)).collect());
        ensure!(
            !sizes.iter().any(|d| d.as_const().is_some_and(|d| d < 0)),
            "operand size has a negative number, expected 0 or more"
        );
        let spatial = sizes[2..].iter().cloned();
        Ok(vec![Fact::new(theta.dtype, [theta.shape[0].clone()].into_iter().chain(spatial).chain([(n - 2).into()]))])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (theta, size) = (need(x, 0, "theta")?, need(x, 1, "size")?.to_i64());
        let align = AffineGridAttrs::read(c.attrs)?.align_corners;
        let n = size.len() - 2;
        let mut shape = vec![theta.shape()[0]];
        shape.extend(size[2..].iter().map(|d| *d as usize));
        shape.push(n);
        let mut out = vec![];
        for_each_index(&shape, |idx| {
            let row = (idx[0] * n + idx[n + 1]) * (n + 1);
            // The last axis is x, so coordinates come in reverse.
            let at = |k: usize| position(idx[n - k] as f64, shape[n - k] as f64, align);
            let sum: f64 = (0..n).map(|k| theta.at(row + k).f() * at(k)).sum();
            out.push(Num::F(sum + theta.at(row + n).f()));
        });
        Ok(vec![Tensor::new(theta.dtype(), &shape, out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (theta, size) = (need(x, 0, "theta")?, need(x, 1, "size")?);
        let align = AffineGridAttrs::read(c.attrs)?.align_corners;
        let (v, n) = (Expr::vars(y[0].rank()), y[0].rank() - 2);
        let entry =
            |k: usize| Expr::load(0, theta, vec![v[0].clone(), v[n + 1].clone(), Expr::int(k as i64)]).cast(Ty::F64);
        let term = |k: usize| entry(k).mul(&position_expr(&v[n - k], &y[0].shape[n - k], align));
        let sum = (0..n).fold(entry(n), |sum, k| sum.add(&term(k)));
        let fill = Lowering::Comps(vec![Comp::new(&y[0], sum.cast(Ty::of(theta.dtype)))]);
        let sizes: Vec<Expr> = (0..n + 2).map(|k| element(1, size, k)).collect();
        Ok(if size.as_dims().is_some() { fill } else { dynamic(c, &sizes, fill) })
    }
    fn samples(&self) -> Vec<Sample> {
        let align = Attrs::new().with("align_corners", 1i64);
        vec![
            Sample::new(Attrs::new(), vec![sample_floats(&[2, 2, 3], 1), ints(&[2, 3, 4, 5])]),
            Sample::new(align.clone(), vec![sample_floats(&[1, 2, 3], 2), ints(&[1, 1, 1, 3])]),
            Sample::new(align, vec![sample_floats(&[1, 3, 4], 3), ints(&[1, 1, 2, 3, 2])]),
        ]
    }
}
