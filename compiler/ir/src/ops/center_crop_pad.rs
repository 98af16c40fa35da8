//! `CenterCropPad`: cuts off or adds zeros at both ends alike. <https://onnx.ai/onnx/operators/onnx__CenterCropPad.html>

use super::common::movement::{axes, counting, dynamic, element, ints, vector_len};
use crate::lower::{Comp, Expr, Lowering};
use crate::op::{Strings, need};
use crate::tensor::for_each_index;
use crate::{Arity, Attrs, Ctx, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(CenterCropPadAttrs {
    /// The axes that shape speaks of; absent is all.
    axes: Option<Vec<i64>>,
});

pub struct CenterCropPad;

fn chosen(c: &Ctx, rank: usize) -> Result<Vec<usize>> {
    axes(&CenterCropPadAttrs::read(c.attrs)?.axes.unwrap_or_else(|| (0..rank as i64).collect()), rank)
}

impl Op for CenterCropPad {
    fn name(&self) -> &'static str {
        "CenterCropPad"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        CenterCropPadAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|i| i == 0)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (data, shape) = (need(x, 0, "input_data")?, need(x, 1, "shape")?);
        let on = chosen(c, data.rank())?;
        let n = vector_len(x, 1, "shape")?;
        ensure!(n == on.len(), "operand shape has {n} elements, expected {}", on.len());
        let sizes = shape.as_dims().unwrap_or_else(|| (0..n).map(|k| c.fresh(k)).collect());
        let mut y = data.type_only();
        for (a, d) in on.into_iter().zip(sizes) {
            ensure!(d.as_const().is_none_or(|d| d >= 0), "operand shape asks for size {d}, expected 0 or more");
            y.shape[a] = d;
        }
        Ok(vec![y])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (data, want) = (need(x, 0, "input_data")?, need(x, 1, "shape")?.to_i64());
        let mut shape = data.shape().to_vec();
        for (a, d) in chosen(c, data.rank())?.into_iter().zip(want) {
            shape[a] = d.max(0) as usize;
        }
        let mut out = vec![];
        for_each_index(&shape, |idx| {
            let mut at = Some(0);
            for (a, d) in data.shape().iter().enumerate() {
                let (have, want) = (*d as i64, shape[a] as i64);
                let p = idx[a] as i64 + if have > want { (have - want) / 2 } else { -((want - have) / 2) };
                at = at.filter(|_| p >= 0 && p < have).map(|at| at * d + p as usize);
            }
            out.push(at.map_or(Num::I(0), |at| data.at(at)));
        });
        Ok(vec![Tensor::new(data.dtype(), &shape, out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (data, shape) = (need(x, 0, "input_data")?, need(x, 1, "shape")?);
        let on = chosen(c, data.rank())?;
        let (mut index, mut guard) = (Expr::vars(data.rank()), Expr::bool(true));
        for a in &on {
            // Division truncates towards zero, which both cropping and padding want.
            let cut = Expr::size(&data.shape[*a]).sub(&Expr::size(&y[0].shape[*a])).div(&Expr::int(2));
            index[*a] = index[*a].add(&cut);
            guard = guard.and(&index[*a].within(&data.shape[*a]));
        }
        let load = Expr::load(0, data, index);
        let fill = Lowering::Comps(vec![Comp::new(&y[0], guard.select(&load, &load.like(0.0)))]);
        let sizes: Vec<Expr> = (0..on.len()).map(|k| element(1, shape, k)).collect();
        Ok(if shape.as_dims().is_some() { fill } else { dynamic(c, &sizes, fill) })
    }
    fn samples(&self) -> Vec<Sample> {
        let some = Attrs::new().with("axes", vec![-1i64, 0]);
        vec![
            Sample::new(Attrs::new(), vec![counting(&[5, 4, 3]), ints(&[2, 7, 3])]),
            Sample::new(Attrs::new(), vec![counting(&[4, 2]), ints(&[1, 5])]),
            Sample::new(some, vec![counting(&[2, 2, 7]), ints(&[4, 5])]),
        ]
    }
}
