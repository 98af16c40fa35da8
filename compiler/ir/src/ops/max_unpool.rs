//! `MaxUnpool`: values put back to where a maximum pooling took them from, zero elsewhere.
//! <https://onnx.ai/onnx/operators/onnx__MaxUnpool.html>

use super::common::movement::{counting, dynamic, element, ints, unify, vector_len};
use super::common::scatter::{nest, nest_vars};
use crate::lower::{Expr, Lowering, Proc, Ty, if_, store};
use crate::op::{maybe, need};
use crate::{Arity, Attrs, Ctx, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(MaxUnpoolAttrs {
    /// Extent of the pooling window.
    kernel_shape: Vec<i64>,
    /// Padding of the pooling, begins then ends; empty is 0.
    pads: Vec<i64> = vec![],
    /// Step between windows; empty is 1.
    strides: Vec<i64> = vec![],
});

pub struct MaxUnpool;

/// The shape the pooling had as operand, which the indices are positions in.
fn pooled(c: &Ctx, x: &[Dim]) -> Result<Vec<Dim>> {
    let a = MaxUnpoolAttrs::read(c.attrs)?;
    let n = a.kernel_shape.len();
    ensure!(x.len() == n + 2, "operand X has rank {}, expected {}", x.len(), n + 2);
    let pads = if a.pads.is_empty() { vec![0; 2 * n] } else { a.pads };
    let strides = if a.strides.is_empty() { vec![1; n] } else { a.strides };
    let small = |v: &[i64]| v.iter().all(|v| (0..=i32::MAX as i64).contains(v));
    for (name, v, want) in [("kernel_shape", &a.kernel_shape, n), ("pads", &pads, 2 * n), ("strides", &strides, n)] {
        ensure!(v.len() == want && small(v), "attribute {name} is {v:?}, expected {want} numbers from 0 to 2^31 - 1");
    }
    let size = |i: usize| {
        let taken = Dim::from(a.kernel_shape[i] - pads[i] - pads[n + i]);
        ((x[2 + i].clone() - 1.into()) * strides[i].into() + taken).max_of(&0.into())
    };
    Ok(x[..2].iter().cloned().chain((0..n).map(size)).collect())
}

impl Op for MaxUnpool {
    fn name(&self) -> &'static str {
        "MaxUnpool"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        MaxUnpoolAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(2, 3)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (data, at) = (need(x, 0, "X")?, need(x, 1, "I")?);
        ensure!(at.rank() == data.rank() && at.dtype.is_int(), "operand I is {at}, expected integers like {data}");
        at.shape.iter().zip(&data.shape).try_for_each(|(a, b)| unify(a, b).map(drop))?;
        let mut shape = pooled(c, &data.shape)?;
        if let Some(want) = maybe(x, 2) {
            let n = vector_len(x, 2, "output_shape")?;
            ensure!(n == data.rank(), "operand output_shape has {n} elements, expected {}", data.rank());
            shape = want.as_dims().unwrap_or_else(|| (0..n).map(|k| c.fresh(k)).collect());
            let negative = shape.iter().find(|d| d.as_const().is_some_and(|d| d < 0));
            ensure!(negative.is_none(), "operand output_shape has a negative size, expected 0 or more");
        }
        Ok(vec![Fact::new(data.dtype, shape)])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (data, at) = (need(x, 0, "X")?, need(x, 1, "I")?.to_i64());
        let inner = super::common::movement::sizes(&pooled(c, &data.type_fact().shape)?);
        let shape = maybe(x, 2).map_or(inner.clone(), |t| t.to_i64().iter().map(|d| *d as usize).collect());
        let mut out = vec![Num::F(0.0); shape.iter().product()];
        let total: usize = inner.iter().product();
        for (v, i) in data.iter().zip(at) {
            ensure!((0..total as i64).contains(&i), "I has {i}, expected 0..{total}");
            let mut rest = i as usize;
            let mut to = Some((0, 1));
            for (d, s) in inner.iter().zip(&shape).rev() {
                let p = rest % d;
                rest /= d;
                to = to.filter(|_| p < *s).map(|(t, step)| (t + p * step, step * s));
            }
            if let Some((to, _)) = to {
                out[to] = v;
            }
        }
        Ok(vec![Tensor::new(data.dtype(), &shape, out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (data, at) = (need(x, 0, "X")?, need(x, 1, "I")?);
        let (y, rank) = (&y[0], data.rank());
        let here = Expr::vars(rank);
        let zero = Expr::num(Ty::of(y.dtype), 0.0);
        let mut body = nest(0, &y.shape, vec![store(0, y, here.clone(), zero)]);
        let from = nest_vars(rank as u32, rank);
        let mut rest = Expr::load(1, at, from.clone()).cast(Ty::I64);
        let (mut to, mut inside) = (here, rest.ge(&Expr::int(0)));
        for (a, d) in pooled(c, &data.shape)?.iter().enumerate().rev() {
            to[a] = rest.rem(&Expr::size(d));
            rest = rest.div(&Expr::size(d));
            inside = inside.and(&to[a].within(&y.shape[a]));
        }
        let inside = inside.and(&rest.eq(&Expr::int(0)));
        let put = store(0, y, to, Expr::load(0, data, from));
        body.extend(nest(rank as u32, &data.shape, vec![if_(inside, vec![put])]));
        let fill = Lowering::Proc(Proc { scratch: vec![], parallel: None, body });
        Ok(match maybe(x, 2).filter(|f| f.as_dims().is_none()) {
            Some(f) => dynamic(c, &(0..rank).map(|k| element(2, f, k)).collect::<Vec<_>>(), fill),
            None => fill,
        })
    }
    fn samples(&self) -> Vec<Sample> {
        let a = Attrs::new().with("kernel_shape", vec![2i64, 2]).with("strides", vec![2i64, 2]);
        let at = Tensor::i64(&[1, 1, 2, 2], &[5, 7, 13, 15]);
        let overlapping = Attrs::new().with("kernel_shape", vec![3i64]).with("pads", vec![1i64, 0]);
        vec![
            Sample::new(a.clone(), vec![counting(&[1, 1, 2, 2]), at.clone()]),
            Sample::new(a, vec![counting(&[1, 1, 2, 2]), at, ints(&[1, 1, 5, 5])]),
            Sample::new(overlapping, vec![counting(&[1, 2, 2]), Tensor::i64(&[1, 2, 2], &[1, 2, 5, 3])]),
        ]
    }
}
