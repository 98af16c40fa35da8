//! `dlc.Frames`: `y[b, f, t * parts + p] = x[b, f * step + t, p]`. Ours: overlapping parts of a signal, as rows.
//!
//! Operand: x[b, d, parts]. Result: [b, (d - length) / step + 1, length * parts].

use super::common::elementwise::sample_floats;
use super::common::movement::take;
use crate::lower::{Expr, Lowering, gather};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, Dim, Fact, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(FramesAttrs {
    /// Elements of a frame.
    length: i64,
    /// Elements from the start of a frame to that of the next.
    step: i64,
});

pub struct Frames;

/// Number of frames of a signal of `d` elements.
pub fn frames(d: &Dim, length: &Dim, step: &Dim) -> Dim {
    ((d.clone() - length.clone()).div(step) + 1.into()).max_of(&0.into())
}

impl Op for Frames {
    fn name(&self) -> &'static str {
        "Frames"
    }
    fn domain(&self) -> &'static str {
        "dlc"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        FramesAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (a, x) = (FramesAttrs::read(c.attrs)?, need(x, 0, "X")?);
        let inside = |n: i64| (1..1 << 31).contains(&n);
        let fits = inside(a.length) && inside(a.step);
        ensure!(fits, "length is {} and step {}, expected 1 or more, below 2^31", a.length, a.step);
        ensure!(x.rank() == 3, "operand X has rank {}, expected 3", x.rank());
        let count = frames(&x.shape[1], &a.length.into(), &a.step.into());
        Ok(vec![Fact::new(x.dtype, [x.shape[0].clone(), count, x.shape[2].clone() * a.length.into()])])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (a, x) = (FramesAttrs::read(c.attrs)?, need(x, 0, "X")?);
        let (d, parts) = (x.shape()[1], x.shape()[2]);
        let (length, step) = (a.length as usize, a.step as usize);
        let count = if d < length { 0 } else { (d - length) / step + 1 };
        Ok(vec![take(x, &[x.shape()[0], count, length * parts], |i| (i[0] * d + i[1] * step) * parts + i[2])?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (a, x) = (FramesAttrs::read(c.attrs)?, need(x, 0, "X")?);
        let (v, parts) = (Expr::vars(3), Expr::size(&x.shape[2]));
        let (t, part) = match x.shape[2].is_one() {
            true => (v[2].clone(), Expr::int(0)),
            false => (v[2].div(&parts), v[2].rem(&parts)),
        };
        let at = v[1].mul(&Expr::int(a.step)).add(&t);
        Ok(gather(&y[0], x, vec![v[0].clone(), at, part]))
    }
    fn samples(&self) -> Vec<Sample> {
        let s = |length: i64, step: i64, shape: &[usize]| {
            let attrs = Attrs::new().with("length", length).with("step", step);
            Sample::new(attrs, vec![sample_floats(shape, 1)])
        };
        vec![s(4, 2, &[2, 9, 1]), s(3, 5, &[1, 13, 2]), s(5, 1, &[1, 5, 1])]
    }
}
