//! `Expand`: broadcasts to a shape. <https://onnx.ai/onnx/operators/onnx__Expand.html>

use super::common::movement::{counting, dynamic, element, ints, take, vector_len};
use crate::infer::{broadcast, broadcast_index};
use crate::lower::{self, Expr, Lowering};
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, Dim, Fact, Op, Result, Sample, Tensor, ensure};

pub struct Expand;

/// The wanted size along result axis `a`, or 1 where `shape` has no such axis.
fn wanted(shape: &Fact, n: usize, rank: usize, a: usize) -> Expr {
    if a + n < rank { Expr::int(1) } else { element(1, shape, a + n - rank) }
}

impl Op for Expand {
    fn name(&self) -> &'static str {
        "Expand"
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|i| i == 0)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (data, n) = (need(x, 0, "input")?, vector_len(x, 1, "shape")?);
        let Some(want) = need(x, 1, "shape")?.as_dims() else {
            return Ok(vec![Fact::new(data.dtype, (0..n.max(data.rank())).map(|k| c.fresh(k)))]);
        };
        ensure!(
            !want.iter().any(|d| d.as_const().is_some_and(|d| d < 0)),
            "operand shape has a negative size, expected 0 or more"
        );
        let y = Fact::new(data.dtype, broadcast(&[&data.shape, &want])?);
        let one = data.as_dims().filter(|v| v.len() == 1 && y.rank() == 1).map(|v| v[0].clone());
        Ok(vec![match (one, y.const_shape().as_deref()) {
            (Some(v), Some([n])) if *n <= 1024 => y.with_dims(vec![v; *n]),
            _ if y.shape == data.shape => data.clone(),
            _ => y,
        }])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (data, want) = (need(x, 0, "input")?, need(x, 1, "shape")?);
        let want: Vec<Dim> = want.to_i64().into_iter().map(Dim::from).collect();
        let shape = super::common::movement::sizes(&broadcast(&[&data.type_fact().shape, &want])?);
        Ok(vec![take(data, &shape, |idx| broadcast_index(data.shape(), idx))?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (data, shape, n) = (need(x, 0, "input")?, need(x, 1, "shape")?, vector_len(x, 1, "shape")?);
        let fill = lower::map(&y[0], &[data], |v| v[0].clone());
        if shape.as_dims().is_some() {
            return Ok(fill);
        }
        let rank = y[0].rank();
        let size = |a: usize| {
            let want = wanted(shape, n, rank, a);
            let have = (a + data.rank()).checked_sub(rank).map(|i| Expr::size(&data.shape[i]));
            have.map_or(want.clone(), |have| have.eq(&Expr::int(1)).select(&want, &have))
        };
        Ok(dynamic(c, &(0..rank).map(size).collect::<Vec<_>>(), fill))
    }
    fn samples(&self) -> Vec<Sample> {
        let to = |x: Tensor, s: &[i64]| Sample::new(Attrs::new(), vec![x, ints(s)]);
        vec![
            to(counting(&[3, 1]), &[2, 1, 4]),
            to(counting(&[2, 3]), &[3]),
            to(counting(&[2, 1]), &[1, 0]),
            to(Tensor::i64(&[], &[7]), &[3]),
            to(Tensor::i64(&[1], &[7]), &[1]),
        ]
    }
}
