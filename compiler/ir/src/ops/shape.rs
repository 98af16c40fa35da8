//! `Shape`: the extents of the axes `start..end`. <https://onnx.ai/onnx/operators/onnx__Shape.html>

use super::common::elementwise::sample_floats;
use crate::lower::{Comp, Expr, Lowering};
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, Fact, Op, Result, Sample, Tensor, attrs};
use std::ops::Range;

attrs!(ShapeAttrs {
    /// First axis; negative counts from the end; clamped.
    start: i64 = 0,
    /// One past the last axis.
    end: Option<i64>,
});

pub struct Shape;

fn axes(c: &Ctx, rank: usize) -> Result<Range<usize>> {
    let a = ShapeAttrs::read(c.attrs)?;
    let at = |v: i64| (if v < 0 { v + rank as i64 } else { v }).clamp(0, rank as i64) as usize;
    let (start, end) = (at(a.start), at(a.end.unwrap_or(rank as i64)));
    Ok(start..end.max(start))
}

impl Op for Shape {
    fn name(&self) -> &'static str {
        "Shape"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        ShapeAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|_| true)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = need(x, 0, "data")?;
        Ok(vec![Fact::dims(x.shape[axes(c, x.rank())?].to_vec())])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let x = need(x, 0, "data")?;
        let dims: Vec<i64> = x.shape()[axes(c, x.rank())?].iter().map(|d| *d as i64).collect();
        Ok(vec![Tensor::i64(&[dims.len()], &dims)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let x = need(x, 0, "data")?;
        let dims = &x.shape[axes(c, x.rank())?];
        let pick = |rest: Expr, (i, d): (usize, &crate::Dim)| {
            Expr::var(0).eq(&Expr::int(i as i64)).select(&Expr::size(d), &rest)
        };
        let expr = dims.iter().enumerate().fold(Expr::int(0), pick);
        Ok(Lowering::Comps(vec![Comp::new(&y[0], expr)]))
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let x = || vec![sample_floats(&[2, 3, 4], 1)];
        vec![
            Sample::new(Attrs::new(), x()),
            Sample::new(Attrs::new().with("start", -2i64), x()),
            Sample::new(Attrs::new().with("start", 1i64).with("end", -1i64), x()),
            Sample::new(Attrs::new().with("start", 2i64).with("end", 1i64), x()),
        ]
    }
}
