//! `ScatterElements`: updates written at the positions that `indices` gives along one axis.
//! <https://onnx.ai/onnx/operators/onnx__ScatterElements.html>

use super::common::movement::counting;
use super::common::scatter::{self, Reduction};
use crate::infer::same_dtype;
use crate::lower::{Expr, Lowering, Ty};
use crate::op::{Strings, axis, need};
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(ScatterElementsAttrs {
    /// The axis; negative counts from the end.
    axis: i64 = 0,
    /// none, add, mul, min or max.
    reduction: String = "none".into(),
});

pub struct ScatterElements;

/// The fact of the result, after checking the operands.
pub(super) fn infer(c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
    let (data, indices, updates) = (need(x, 0, "data")?, need(x, 1, "indices")?, need(x, 2, "updates")?);
    let a = ScatterElementsAttrs::read(c.attrs)?;
    axis(a.axis, data.rank())?;
    Reduction::of(&a.reduction, data.dtype)?;
    same_dtype(&[data, updates])?;
    ensure!(indices.dtype.is_int(), "indices are {}, expected integers", indices.dtype);
    ensure!(indices.rank() == data.rank(), "indices is {indices}, expected rank {}", data.rank());
    ensure!(updates.rank() == data.rank(), "updates is {updates}, expected rank {}", data.rank());
    for (i, u) in indices.shape.iter().zip(&updates.shape) {
        super::common::movement::unify(i, u)?;
    }
    Ok(vec![data.type_only()])
}

/// The meaning.
pub(super) fn eval(c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let (data, indices, updates) = (need(x, 0, "data")?, need(x, 1, "indices")?, need(x, 2, "updates")?);
    let a = ScatterElementsAttrs::read(c.attrs)?;
    let on = axis(a.axis, data.rank())?;
    let (mut positions, mut at) = (vec![], indices.iter());
    for_each_index(indices.shape(), |idx| {
        let mut idx: Vec<i64> = idx.iter().map(|i| *i as i64).collect();
        idx[on] = at.next().map_or(0, |v| v.i() as i64);
        positions.push(idx);
    });
    Ok(vec![scatter::eval(data, Reduction::named(&a.reduction)?, positions.into_iter().zip(updates.iter()))?])
}

/// The lowering.
pub(super) fn lowering(c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
    let (data, indices, updates) = (need(x, 0, "data")?, need(x, 1, "indices")?, need(x, 2, "updates")?);
    let a = ScatterElementsAttrs::read(c.attrs)?;
    let on = axis(a.axis, data.rank())?;
    let index = |at: &[Expr]| {
        let mut to = at.to_vec();
        to[on] = Expr::load(1, indices, at.to_vec()).cast(Ty::I64);
        to
    };
    Ok(scatter::lowering(&y[0], Reduction::named(&a.reduction)?, [data, updates], index))
}

impl Op for ScatterElements {
    fn name(&self) -> &'static str {
        "ScatterElements"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        ScatterElementsAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(3)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|i| i != 1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        infer(c, x)
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        eval(c, x)
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        lowering(c, x, y)
    }
    fn samples(&self) -> Vec<Sample> {
        let at = || Tensor::i64(&[2, 3], &[1, 0, 2, -1, 2, 0]);
        let updates = || Tensor::f32(&[2, 3], &[0.5, -2.0, 3.0, 4.5, 5.0, 20.0]);
        let mut out = vec![Sample::new(Attrs::new(), vec![counting(&[3, 4]), at(), updates()])];
        for r in ["none", "add", "mul", "min", "max"] {
            let a = Attrs::new().with("axis", 1i64).with("reduction", r);
            let at = Tensor::i64(&[2, 3], &[1, 1, -2, 3, 0, 3]).cast(DType::I32);
            out.push(Sample::new(a.clone(), vec![counting(&[2, 4]), at.clone(), updates()]));
            let small = |t: Tensor| t.cast(DType::I8);
            out.push(Sample::new(a, vec![small(counting(&[2, 4])), at, small(updates())]));
        }
        out
    }
}
