//! `ArrayFeatureExtractor`: elements of the last axis at given positions.
//! <https://onnx.ai/onnx/operators/onnx_aionnxml_ArrayFeatureExtractor.html>

use super::common::movement::{checked, clamped, counting, guarded, ints, take};
use crate::lower::{Comp, Expr, Lowering};
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, Fact, Op, Result, Sample, Tensor, dim, ensure};

pub struct ArrayFeatureExtractor;

impl Op for ArrayFeatureExtractor {
    fn name(&self) -> &'static str {
        "ArrayFeatureExtractor"
    }
    fn domain(&self) -> &'static str {
        "ai.onnx.ml"
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|i| i == 0)
    }
    fn infer(&self, _: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (x, at) = (need(x, 0, "X")?, need(x, 1, "Y")?);
        ensure!(x.rank() > 0 && at.dtype.is_int(), "operands are {x} and {at}, expected rank 1 or more and integers");
        let lead = if x.rank() == 1 { vec![1.into()] } else { x.shape[..x.rank() - 1].to_vec() };
        Ok(vec![Fact::new(x.dtype, lead.into_iter().chain([dim::product(&at.shape)]))])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (x, at) = (need(x, 0, "X")?, need(x, 1, "Y")?.to_i64());
        let n = x.shape()[x.rank() - 1];
        let at: Vec<usize> = at.into_iter().map(|i| checked(i, n)).collect::<Result<_>>()?;
        let mut shape = if x.rank() == 1 { vec![1] } else { x.shape()[..x.rank() - 1].to_vec() };
        let lead = shape.clone();
        shape.push(at.len());
        let source = |idx: &[usize]| lead.iter().zip(idx).fold(0, |p, (d, i)| p * d + i) * n + at[idx[lead.len()]];
        Ok(vec![take(x, &shape, source)?])
    }
    fn lowering(&self, _: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (x, at) = (need(x, 0, "X")?, need(x, 1, "Y")?);
        let (rank, n) = (y[0].rank(), &x.shape[x.rank() - 1]);
        let (mut rest, mut position) = (Expr::var(rank as u32 - 1), vec![]);
        for d in at.shape.iter().rev() {
            position.insert(0, rest.rem(&Expr::size(d)));
            rest = rest.div(&Expr::size(d));
        }
        let mut index = Expr::vars(x.rank() - 1);
        index.push(clamped(&Expr::load(1, at, position), n));
        Ok(Lowering::Comps(vec![Comp::new(&y[0], guarded([n], &Expr::load(0, x, index)))]))
    }
    fn samples(&self) -> Vec<Sample> {
        vec![
            Sample::new(Attrs::new(), vec![counting(&[3, 4]), ints(&[0, 3, 1])]),
            Sample::new(Attrs::new(), vec![counting(&[5]), Tensor::i64(&[1, 2], &[4, 2])]),
        ]
    }
}
