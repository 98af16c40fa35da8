//! `OneHot`: along a new axis, `on` where the position is the index and `off` elsewhere.
//! <https://onnx.ai/onnx/operators/onnx__OneHot.html>

use super::common::movement::{dynamic, ints};
use crate::lower::{Comp, Expr, Lowering, Ty};
use crate::op::{Strings, axis, need};
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(OneHotAttrs {
    /// The new axis, counted in the result.
    axis: i64 = -1,
});

pub struct OneHot;

/// The extent of the new axis, where it is known.
fn depth(x: &Fact) -> Result<Option<Dim>> {
    ensure!(x.len().as_const().is_none_or(|n| n == 1), "operand depth is {x}, expected one element");
    if let Some(t) = x.constant() {
        return Ok(Some((t.at(0).i().clamp(0, i64::MAX as i128) as i64).into()));
    }
    Ok(x.as_dims().map(|v| v[0].clone()))
}

impl Op for OneHot {
    fn name(&self) -> &'static str {
        "OneHot"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        OneHotAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(3)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|i| i == 2)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (indices, values) = (need(x, 0, "indices")?, need(x, 2, "values")?);
        let on = axis(OneHotAttrs::read(c.attrs)?.axis, indices.rank() + 1)?;
        let two = values.rank() == 1 && values.len().as_const().is_none_or(|n| n == 2);
        ensure!(two, "operand values is {values}, expected two elements");
        let mut shape = indices.shape.clone();
        shape.insert(on, depth(need(x, 1, "depth")?)?.unwrap_or_else(|| c.fresh(0)));
        Ok(vec![Fact::new(values.dtype, shape)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (indices, values) = (need(x, 0, "indices")?, need(x, 2, "values")?);
        let on = axis(OneHotAttrs::read(c.attrs)?.axis, indices.rank() + 1)?;
        let depth = need(x, 1, "depth")?.at(0).i().max(0);
        let mut shape = indices.shape().to_vec();
        shape.insert(on, depth as usize);
        let (strides, mut out) = (indices.strides(), vec![]);
        for_each_index(&shape, |idx| {
            let mut at = idx.to_vec();
            let here = at.remove(on) as i128;
            let i = indices.at(strides.iter().zip(&at).map(|(s, i)| s * i).sum()).i();
            let hot = here == if i < 0 { i + depth } else { i };
            out.push(values.at(hot as usize));
        });
        Ok(vec![Tensor::new(values.dtype(), &shape, out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (indices, size, values) = (need(x, 0, "indices")?, need(x, 1, "depth")?, need(x, 2, "values")?);
        let on = axis(OneHotAttrs::read(c.attrs)?.axis, y[0].rank())?;
        let mut at = Expr::vars(y[0].rank());
        let here = at.remove(on);
        let hot = Expr::load(0, indices, at).cast(Ty::I64).wrap_index(&y[0].shape[on]).eq(&here);
        let value = |k: i64| Expr::load(2, values, vec![Expr::int(k)]);
        let fill = Lowering::Comps(vec![Comp::new(&y[0], hot.select(&value(1), &value(0)))]);
        let load = Expr::load(1, size, vec![Expr::int(0); size.rank()]).cast(Ty::I64).max(&Expr::int(0));
        Ok(if depth(size)?.is_some() { fill } else { dynamic(c, &[load], fill) })
    }
    fn samples(&self) -> Vec<Sample> {
        let depth = |n: i64| Tensor::i64(&[], &[n]);
        let on = |a: i64| Attrs::new().with("axis", a);
        let values = || Tensor::f32(&[2], &[-0.5, 2.0]);
        let matrix = Tensor::i64(&[2, 3], &[0, 4, -1, -5, 5, 2]);
        vec![
            Sample::new(Attrs::new(), vec![ints(&[0, 2, -1, 7, -9]), depth(3), values()]),
            Sample::new(on(1), vec![matrix.clone(), ints(&[5]), values()]),
            Sample::new(on(0), vec![matrix.cast(DType::F32), depth(5).cast(DType::F32), ints(&[3, 4])]),
        ]
    }
}
