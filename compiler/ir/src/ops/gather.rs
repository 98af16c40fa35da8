//! `Gather`: slices of one axis at data-given positions. <https://onnx.ai/onnx/operators/onnx__Gather.html>

use super::common::movement::{checked, clamped, counting, guarded, ints, offset, take};
use crate::lower::{Comp, Expr, Lowering, Ty};
use crate::op::{Strings, axis, need};
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(GatherAttrs {
    /// Axis of the data; negative counts from the end.
    axis: i64 = 0,
});

pub struct Gather;

/// Elements of a known vector at constant positions.
fn picked(data: &Fact, indices: &Fact) -> Option<Vec<Dim>> {
    let (v, at) = (data.as_dims()?, indices.as_ints()?);
    at.iter().map(|i| checked(*i, v.len()).ok().map(|i| v[i].clone())).collect()
}

/// The position that `index` names: as it is where the indices are constants within the axis.
fn position(index: &Expr, indices: &Fact, extent: &Dim) -> Expr {
    let index = index.cast(Ty::I64);
    match (indices.as_ints(), extent.as_const()) {
        (Some(v), Some(d)) if v.iter().all(|i| *i >= 0 && *i < d) => index,
        (Some(v), Some(d)) if v.iter().all(|i| *i >= -d && *i < d) => index.wrap_index(extent),
        _ => clamped(&index, extent),
    }
}

impl Op for Gather {
    fn name(&self) -> &'static str {
        "Gather"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        GatherAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|i| i == 0)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (data, indices) = (need(x, 0, "data")?, need(x, 1, "indices")?);
        let on = axis(GatherAttrs::read(c.attrs)?.axis, data.rank())?;
        ensure!(indices.dtype.is_int(), "indices are {}, expected integers", indices.dtype);
        if let (Some(v), Some(d)) = (indices.as_ints(), data.shape[on].as_const()) {
            v.iter().try_for_each(|i| checked(*i, d as usize).map(drop))?;
        }
        let (lead, rest) = data.shape.split_at(on);
        let y = Fact::new(data.dtype, lead.iter().chain(&indices.shape).chain(&rest[1..]).cloned());
        let known = if data.rank() == 1 && y.rank() <= 1 { picked(data, indices) } else { None };
        Ok(vec![match known {
            Some(v) => y.with_dims(v),
            None => y,
        }])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (data, indices) = (need(x, 0, "data")?, need(x, 1, "indices")?);
        let on = axis(GatherAttrs::read(c.attrs)?.axis, data.rank())?;
        let extent = data.shape()[on];
        let at: Vec<usize> = indices.to_i64().into_iter().map(|i| checked(i, extent)).collect::<Result<_>>()?;
        let (lead, rest) = data.shape().split_at(on);
        let shape: Vec<usize> = lead.iter().chain(indices.shape()).chain(&rest[1..]).copied().collect();
        let (strides, inner, n) = (data.strides(), indices.strides(), indices.rank());
        let source = |idx: &[usize]| {
            let i = at[offset(&inner, &idx[on..on + n])];
            offset(&strides[..on], idx) + i * strides[on] + offset(&strides[on + 1..], &idx[on + n..])
        };
        Ok(vec![take(data, &shape, source)?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (data, indices) = (need(x, 0, "data")?, need(x, 1, "indices")?);
        let on = axis(GatherAttrs::read(c.attrs)?.axis, data.rank())?;
        let vars = Expr::vars(y[0].rank());
        let n = indices.rank();
        let i = Expr::load(1, indices, vars[on..on + n].to_vec());
        let mut index = vars[..on].to_vec();
        index.push(position(&i, indices, &data.shape[on]));
        index.extend_from_slice(&vars[on + n..]);
        let load = guarded([&data.shape[on]], &Expr::load(0, data, index));
        Ok(Lowering::Comps(vec![Comp::new(&y[0], load)]))
    }
    // `Scan` of narrow elements is written with it.
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let on = |a: i64| Attrs::new().with("axis", a);
        let matrix = Tensor::i64(&[2, 3], &[0, 2, -1, 1, 1, 0]);
        vec![
            Sample::new(Attrs::new(), vec![counting(&[4, 3]), ints(&[3, 0, -2])]),
            Sample::new(on(1), vec![counting(&[2, 3, 2]), matrix.cast(DType::I32)]),
            Sample::new(on(-1), vec![counting(&[2, 3]), Tensor::i64(&[], &[-1])]),
            Sample::new(Attrs::new(), vec![ints(&[5, 6, 7]), Tensor::i64(&[], &[1])]),
            Sample::new(Attrs::new(), vec![ints(&[5, 6, 7]), ints(&[2, 0])]),
        ]
    }
}
