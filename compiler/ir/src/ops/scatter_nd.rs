//! `ScatterND`: slices written at the positions that the vectors in `indices` name.
//! <https://onnx.ai/onnx/operators/onnx__ScatterND.html>

use super::common::movement::{counting, unify};
use super::common::scatter::{self, Reduction};
use crate::infer::same_dtype;
use crate::lower::{Expr, Lowering, Ty};
use crate::op::{Strings, need};
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, DType, Fact, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(ScatterNDAttrs {
    /// none, add, mul, min or max.
    reduction: String = "none".into(),
});

pub struct ScatterND;

/// Length of the index vectors.
fn vector(data: &Fact, indices: &Fact) -> Result<usize> {
    match indices.shape.last().and_then(|d| d.as_const()) {
        Some(k) if k <= data.rank() as i64 => Ok(k as usize),
        _ => bail!("operand indices is {indices}, expected a constant last size up to {}", data.rank()),
    }
}

impl Op for ScatterND {
    fn name(&self) -> &'static str {
        "ScatterND"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        ScatterNDAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(3)
    }
    fn constant_sizes(&self) -> &'static [usize] {
        &[1]
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|i| i != 1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (data, indices, updates) = (need(x, 0, "data")?, need(x, 1, "indices")?, need(x, 2, "updates")?);
        Reduction::of(&ScatterNDAttrs::read(c.attrs)?.reduction, data.dtype)?;
        same_dtype(&[data, updates])?;
        ensure!(indices.dtype.is_int(), "indices are {}, expected integers", indices.dtype);
        let k = vector(data, indices)?;
        let want: Vec<_> = indices.shape[..indices.rank() - 1].iter().chain(&data.shape[k..]).collect();
        ensure!(want.len() == updates.rank(), "updates is {updates}, expected rank {}", want.len());
        updates.shape.iter().zip(want).try_for_each(|(u, w)| unify(u, w).map(drop))?;
        Ok(vec![data.type_only()])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (data, indices, updates) = (need(x, 0, "data")?, need(x, 1, "indices")?, need(x, 2, "updates")?);
        let k = vector(&data.type_fact(), &indices.type_fact())?;
        let (lead, at) = (indices.rank() - 1, indices.to_i64());
        let outer = crate::tensor::strides(&indices.shape()[..lead]);
        let mut positions = vec![];
        for_each_index(updates.shape(), |idx| {
            let row: usize = outer.iter().zip(idx).map(|(s, i)| s * i).sum();
            let rest = idx[lead..].iter().map(|i| *i as i64);
            positions.push(at[row * k..row * k + k].iter().copied().chain(rest).collect());
        });
        let r = Reduction::named(&ScatterNDAttrs::read(c.attrs)?.reduction)?;
        Ok(vec![scatter::eval(data, r, positions.into_iter().zip(updates.iter()))?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (data, indices, updates) = (need(x, 0, "data")?, need(x, 1, "indices")?, need(x, 2, "updates")?);
        let (k, lead) = (vector(data, indices)?, indices.rank() - 1);
        let name = |at: &[Expr], j: usize| {
            let index = at[..lead].iter().cloned().chain([Expr::int(j as i64)]).collect();
            Expr::load(1, indices, index).cast(Ty::I64)
        };
        let index = |at: &[Expr]| (0..k).map(|j| name(at, j)).chain(at[lead..].iter().cloned()).collect();
        let r = Reduction::named(&ScatterNDAttrs::read(c.attrs)?.reduction)?;
        Ok(scatter::lowering(&y[0], r, [data, updates], index))
    }
    fn samples(&self) -> Vec<Sample> {
        let mut out = vec![];
        for r in ["none", "add", "mul", "min", "max"] {
            let a = Attrs::new().with("reduction", r);
            let at = Tensor::i64(&[3, 1], &[1, -1, 1]);
            out.push(Sample::new(a.clone(), vec![counting(&[4, 2]), at, counting(&[3, 2])]));
            let (data, at) = (counting(&[2, 3]).cast(DType::I64), Tensor::i64(&[2, 2], &[0, 1, 1, -1]));
            out.push(Sample::new(a, vec![data, at, Tensor::i64(&[2], &[-7, 9])]));
        }
        out
    }
}
