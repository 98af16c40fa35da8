//! `TensorScatter`: an update written into a cache at a position of each batch.
//! <https://onnx.ai/onnx/operators/onnx__TensorScatter.html>

use super::common::movement::{counting, ints, offset, unify};
use crate::infer::same_dtype;
use crate::lower::{Comp, Expr, Lowering, Ty};
use crate::op::{axis, maybe, need, shaped};
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(TensorScatterAttrs {
    /// Axis of the positions.
    axis: i64 = -2,
    /// `linear`, or `circular`: positions past the end go on at the start.
    mode: String = "linear".into(),
});

pub struct TensorScatter;

/// The axis of positions and whether they are circular.
fn setup(c: &Ctx, rank: usize) -> Result<(usize, bool)> {
    let a = TensorScatterAttrs::read(c.attrs)?;
    let on = axis(a.axis, rank)?;
    ensure!(on != 0, "attribute axis is 0, the batch, expected another");
    match &a.mode[..] {
        "linear" => Ok((on, false)),
        "circular" => Ok((on, true)),
        m => bail!("mode is {m:?}, expected linear or circular"),
    }
}

impl Op for TensorScatter {
    fn name(&self) -> &'static str {
        "TensorScatter"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        TensorScatterAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(2, 3)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (past, update) = (need(x, 0, "past_cache")?, need(x, 1, "update")?);
        let (on, _) = setup(c, past.rank())?;
        same_dtype(&[past, update])?;
        ensure!(past.rank() == update.rank(), "operand update is {update}, expected rank {}", past.rank());
        for (a, (p, u)) in past.shape.iter().zip(&update.shape).enumerate().filter(|(a, _)| *a != on) {
            unify(p, u).map_err(|e| crate::Error::op(format!("axis {a} of update: {e}")))?;
        }
        let fits = past.shape[on].as_const().zip(update.shape[on].as_const()).is_none_or(|(p, u)| u <= p);
        ensure!(fits, "operand update has {} positions, expected at most {}", update.shape[on], past.shape[on]);
        if let Some(at) = maybe(x, 2) {
            ensure!(
                at.rank() == 1 && at.dtype.is_int(),
                "operand write_indices is {at}, expected a vector of integers"
            );
            shaped("write_indices", &at.shape, &past.shape[..1])?;
        }
        Ok(vec![past.type_only()])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (past, update) = (need(x, 0, "past_cache")?, need(x, 1, "update")?);
        let (on, circular) = setup(c, past.rank())?;
        let at = maybe(x, 2).map(Tensor::to_i64);
        let (extent, strides) = (past.shape()[on] as i64, past.strides());
        let (mut out, mut news): (Vec<Num>, _) = (past.iter().collect(), update.iter());
        let mut outside = None;
        for_each_index(update.shape(), |idx| {
            let to = at.as_ref().map_or(0, |v| v[idx[0]]).saturating_add(idx[on] as i64);
            let to = if circular { to.rem_euclid(extent.max(1)) } else { to };
            let mut idx = idx.to_vec();
            idx[on] = to.max(0) as usize;
            match ((0..extent).contains(&to), news.next()) {
                (true, Some(v)) => out[offset(&strides, &idx)] = v,
                _ => outside = Some(to),
            }
        });
        ensure!(outside.is_none(), "an update goes to position {outside:?}, expected 0..{extent}");
        Ok(vec![Tensor::new(past.dtype(), past.shape(), out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (past, update) = (need(x, 0, "past_cache")?, need(x, 1, "update")?);
        let (on, circular) = setup(c, past.rank())?;
        let here = Expr::vars(past.rank());
        let start = maybe(x, 2).map_or(Expr::int(0), |f| Expr::load(2, f, vec![here[0].clone()]).cast(Ty::I64));
        let mut from = here.clone();
        from[on] = here[on].sub(&start);
        if circular {
            let size = Expr::size(&past.shape[on]);
            let r = from[on].rem(&size);
            from[on] = r.lt(&Expr::int(0)).select(&r.add(&size), &r);
        }
        let written = from[on].within(&update.shape[on]);
        let expr = written.select(&Expr::load(1, update, from), &Expr::load(0, past, here));
        Ok(Lowering::Comps(vec![Comp::new(&y[0], expr)]))
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let circular = Attrs::new().with("mode", "circular");
        let minus = |shape: &[usize]| {
            let n: usize = shape.iter().product();
            Tensor::f32(shape, &(0..n).map(|i| -1.0 - i as f32).collect::<Vec<_>>())
        };
        let narrow = |t: Tensor| t.cast(DType::F8E5M2);
        vec![
            Sample::new(Attrs::new(), vec![counting(&[2, 4, 3]), minus(&[2, 1, 3]), ints(&[1, 3])]),
            Sample::new(circular, vec![counting(&[2, 3, 4, 2]), minus(&[2, 3, 2, 2]), ints(&[3, 1])]),
            Sample::new(Attrs::new().with("axis", 1i64), vec![counting(&[2, 3]), minus(&[2, 2])]),
            Sample::new(Attrs::new().with("axis", 1i64), [counting(&[2, 3]), minus(&[2, 2])].map(narrow).to_vec()),
        ]
    }
}
