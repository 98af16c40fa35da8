//! `GatherND`: slices at the positions that the vectors in `indices` name.
//! <https://onnx.ai/onnx/operators/onnx__GatherND.html>

use super::common::movement::{checked, clamped, counting, guarded, offset, take, unify};
use crate::lower::{Comp, Expr, Lowering};
use crate::op::{Strings, need};
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, Fact, Op, Result, Sample, Tensor, attrs, bail, ensure};

attrs!(GatherNDAttrs {
    /// Number of leading axes that data and indices have in common.
    batch_dims: i64 = 0,
});

pub struct GatherND;

/// Number of batch axes and length of the index vectors.
fn setup(c: &Ctx, data: &Fact, indices: &Fact) -> Result<(usize, usize)> {
    let b = GatherNDAttrs::read(c.attrs)?.batch_dims;
    let most = data.rank().min(indices.rank().saturating_sub(1));
    ensure!((0..=most as i64).contains(&b), "batch_dims is {b}, expected 0..={most}");
    ensure!(indices.dtype.is_int(), "indices are {}, expected integers", indices.dtype);
    let Some(k) = indices.shape.last().and_then(|d| d.as_const()) else {
        bail!("operand indices is {indices}, expected a constant last size")
    };
    let (b, k) = (b as usize, k as usize);
    ensure!(b + k <= data.rank(), "operand indices names {k} axes after {b}, expected at most {} in all", data.rank());
    Ok((b, k))
}

impl Op for GatherND {
    fn name(&self) -> &'static str {
        "GatherND"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        GatherNDAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn constant_sizes(&self) -> &'static [usize] {
        &[1]
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|i| i == 0)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (data, indices) = (need(x, 0, "data")?, need(x, 1, "indices")?);
        let (b, k) = setup(c, data, indices)?;
        let mut shape = indices.shape[..indices.rank() - 1].to_vec();
        for (s, d) in shape.iter_mut().zip(&data.shape[..b]) {
            *s = unify(s, d)?;
        }
        shape.extend_from_slice(&data.shape[b + k..]);
        Ok(vec![Fact::new(data.dtype, shape)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (data, indices) = (need(x, 0, "data")?, need(x, 1, "indices")?);
        let (b, k) = setup(c, &data.type_fact(), &indices.type_fact())?;
        let (q, strides, at) = (indices.rank(), data.strides(), indices.to_i64());
        let mut bases = vec![];
        let mut failed = Ok(());
        for_each_index(&indices.shape()[..q - 1], |idx| {
            let name = |j: usize| checked(at[bases.len() * k + j], data.shape()[b + j]).map(|i| i * strides[b + j]);
            match (0..k).map(name).sum::<Result<usize>>() {
                Ok(base) => bases.push(base + offset(&strides[..b], idx)),
                Err(e) => failed = Err(e),
            }
        });
        failed?;
        let shape: Vec<usize> = indices.shape()[..q - 1].iter().chain(&data.shape()[b + k..]).copied().collect();
        let outer = crate::tensor::strides(&indices.shape()[..q - 1]);
        let source = |i: &[usize]| bases[offset(&outer, i)] + offset(&strides[b + k..], &i[q - 1..]);
        Ok(vec![take(data, &shape, source)?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (data, indices) = (need(x, 0, "data")?, need(x, 1, "indices")?);
        let (b, k) = setup(c, data, indices)?;
        let (vars, q) = (Expr::vars(y[0].rank()), indices.rank());
        let mut index = vars[..b].to_vec();
        for j in 0..k {
            let mut at = vars[..q - 1].to_vec();
            at.push(Expr::int(j as i64));
            index.push(clamped(&Expr::load(1, indices, at), &data.shape[b + j]));
        }
        index.extend_from_slice(&vars[q - 1..]);
        let load = guarded(&data.shape[b..b + k], &Expr::load(0, data, index));
        Ok(Lowering::Comps(vec![Comp::new(&y[0], load)]))
    }
    fn samples(&self) -> Vec<Sample> {
        let batch = Attrs::new().with("batch_dims", 1i64);
        vec![
            Sample::new(Attrs::new(), vec![counting(&[2, 3]), Tensor::i64(&[3, 2], &[0, 0, 1, -1, -2, 1])]),
            Sample::new(Attrs::new(), vec![counting(&[2, 3, 2]), Tensor::i64(&[2, 1, 1], &[1, 0])]),
            Sample::new(batch, vec![counting(&[2, 3, 2]), Tensor::i64(&[2, 1], &[2, 0])]),
        ]
    }
}
