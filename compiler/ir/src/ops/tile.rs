//! `Tile`: the operand repeated along every axis. <https://onnx.ai/onnx/operators/onnx__Tile.html>

use super::common::movement::{counting, dynamic, element, ints, take, vector_len};
use crate::lower::{self, Expr, Lowering};
use crate::op::{Strings, need};
use crate::{Arity, Attrs, Ctx, Fact, Op, Result, Sample, Tensor, ensure};

pub struct Tile;

impl Op for Tile {
    fn name(&self) -> &'static str {
        "Tile"
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn strings(&self) -> Strings {
        Strings::Moved(|i| i == 0)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let (data, n) = (need(x, 0, "input")?, vector_len(x, 1, "repeats")?);
        ensure!(n == data.rank(), "operand repeats has {n} elements, expected {}", data.rank());
        let Some(times) = need(x, 1, "repeats")?.as_dims() else {
            return Ok(vec![Fact::new(data.dtype, (0..n).map(|k| c.fresh(k)))]);
        };
        ensure!(
            !times.iter().any(|d| d.as_const().is_some_and(|d| d < 0)),
            "operand repeats has a negative number, expected 0 or more"
        );
        let y = Fact::new(data.dtype, data.shape.iter().zip(&times).map(|(d, t)| d.clone() * t.clone()));
        let count = times.first().and_then(|t| t.as_const()).filter(|_| n == 1);
        Ok(vec![match (data.as_dims(), count) {
            (Some(v), Some(t)) if (v.len() as i64).saturating_mul(t) <= 1024 => {
                y.with_dims(vec![v; t as usize].concat())
            }
            _ => y,
        }])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (data, times) = (need(x, 0, "input")?, need(x, 1, "repeats")?.to_i64());
        let shape: Vec<usize> = data.shape().iter().zip(&times).map(|(d, t)| d * (*t).max(0) as usize).collect();
        let source = |idx: &[usize]| data.shape().iter().zip(idx).fold(0, |at, (d, i)| at * d + i % d);
        Ok(vec![take(data, &shape, source)?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let (data, repeats) = (need(x, 0, "input")?, need(x, 1, "repeats")?);
        let at = |(a, d): (usize, &crate::Dim)| match *d == y[0].shape[a] {
            true => Expr::var(a as u32),
            false => Expr::var(a as u32).rem(&Expr::size(d)),
        };
        let fill = lower::gather(&y[0], data, data.shape.iter().enumerate().map(at).collect());
        if repeats.as_dims().is_some() {
            return Ok(fill);
        }
        let size = |(a, d): (usize, &crate::Dim)| Expr::size(d).mul(&element(1, repeats, a));
        Ok(dynamic(c, &data.shape.iter().enumerate().map(size).collect::<Vec<_>>(), fill))
    }
    fn samples(&self) -> Vec<Sample> {
        let tile = |x: Tensor, r: &[i64]| Sample::new(Attrs::new(), vec![x, ints(r)]);
        vec![tile(counting(&[2, 3]), &[2, 2]), tile(counting(&[2, 3, 2]), &[1, 3, 0]), tile(ints(&[4, 5]), &[3])]
    }
}
