//! `Range`: `start + i * delta` up to, not including, `limit`. <https://onnx.ai/onnx/operators/onnx__Range.html>

use super::common::movement::{constant, dynamic, scalar};
use crate::infer::same_dtype;
use crate::lower::{Comp, Expr, Lowering, Ty, Un};
use crate::op::need;
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Num, Op, Result, Sample, Tensor, ensure};

pub struct Range;

const NAMES: [&str; 3] = ["start", "limit", "delta"];

fn operands<'a, T>(x: &[Option<&'a T>]) -> Result<[&'a T; 3]> {
    Ok([need(x, 0, NAMES[0])?, need(x, 1, NAMES[1])?, need(x, 2, NAMES[2])?])
}

/// The number of elements for these constants.
fn count(v: [Num; 3], float: bool) -> Result<usize> {
    ensure!(v[2].f() != 0.0, "operand delta is 0, expected another number");
    let n = match float {
        true => ((v[1].f() - v[0].f()) / v[2].f()).ceil() as i128,
        false => {
            let (span, step) = (v[1].i() - v[0].i(), v[2].i());
            (span * step.signum() + step.abs() - 1).div_euclid(step.abs())
        }
    };
    ensure!(n <= 1 << 31, "the result has {n} elements, expected at most 2^31");
    Ok(n.max(0) as usize)
}

/// The number of elements, where sizes say it.
fn length(x: [&Fact; 3]) -> Result<Option<Dim>> {
    if let [Some(a), Some(b), Some(c)] = x.map(Fact::constant) {
        return count([a.at(0), b.at(0), c.at(0)], x[0].dtype.is_float()).map(|n| Some(n.into()));
    }
    let [Some(a), Some(b), Some(c)] = x.map(|f| f.as_whole().map(|v| v[0].clone())) else { return Ok(None) };
    Ok(match c.as_const() {
        Some(0) => crate::bail!("operand delta is 0, expected another number"),
        Some(step) if step < 0 => Some((a - b).ceil_div(&Dim::from(-step)).max_of(&0.into())),
        Some(_) => Some((b - a).ceil_div(&c).max_of(&0.into())),
        None => None,
    })
}

/// Operand `i` as a scalar of the result's type.
fn value(i: usize, x: &Fact) -> Expr {
    match x.constant() {
        Some(t) => constant(x.dtype, t.at(0)),
        None if x.as_dims().is_some() => scalar(i, x).cast(Ty::of(x.dtype)),
        None => Expr::load(i, x, vec![Expr::int(0); x.rank()]),
    }
}

/// The number of elements where only data says it; the magnitude of the quotient is rounded up.
fn measured(v: &[Expr; 3]) -> Expr {
    let zero = Expr::int(0);
    if v[0].ty().is_float() {
        let [start, limit, delta] = v.each_ref().map(|e| e.cast(Ty::F64));
        return limit.sub(&start).div(&delta).un(Un::Ceil).cast(Ty::I64).max(&zero);
    }
    let [start, limit, delta] = v.each_ref().map(|e| e.cast(Ty::I64));
    let span = delta.gt(&zero).select(&limit.sub(&start), &start.sub(&limit));
    let by = delta.un(Un::Abs);
    span.add(&by).sub(&Expr::int(1)).div(&by).max(&zero)
}

impl Op for Range {
    fn name(&self) -> &'static str {
        "Range"
    }
    fn operands(&self) -> Arity {
        Arity::exactly(3)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let x = operands(x)?;
        same_dtype(&x)?;
        for (f, name) in x.iter().zip(NAMES) {
            ensure!(f.len().is_one(), "operand {name} is {f}, expected a scalar");
        }
        let n = length(x)?.unwrap_or_else(|| c.fresh(0));
        let y = Fact::new(x[0].dtype, [n.clone()]);
        let known = x.map(|f| f.as_dims().map(|v| v[0].clone()));
        Ok(vec![match (n.as_const(), known) {
            (Some(n), [Some(start), _, Some(delta)]) if n <= 1024 => {
                y.with_dims((0..n).map(|i| start.clone() + delta.clone() * i.into()).collect())
            }
            _ => y,
        }])
    }
    fn eval(&self, _: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let v = operands(x)?.map(|t| t.at(0));
        let dtype = need(x, 0, "start")?.dtype();
        let n = count(v, dtype.is_float())?;
        let at = |i: usize| match dtype.is_float() {
            true => Num::F(v[0].f() + i as f64 * v[2].f()),
            false => Num::I(v[0].i() + i as i128 * v[2].i()),
        };
        Ok(vec![Tensor::new(dtype, &[n], (0..n).map(at))])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let x = operands(x)?;
        let v = [value(0, x[0]), value(1, x[1]), value(2, x[2])];
        let expr = v[0].add(&Expr::var(0).cast(v[0].ty()).mul(&v[2]));
        let fill = Lowering::Comps(vec![Comp::new(&y[0], expr)]);
        Ok(if length(x)?.is_some() { fill } else { dynamic(c, &[measured(&v)], fill) })
    }
    fn samples(&self) -> Vec<Sample> {
        let range =
            |dtype: DType, v: [f64; 3]| Sample::new(Attrs::new(), v.map(|v| Tensor::floats(dtype, &[], &[v])).to_vec());
        vec![
            range(DType::I64, [0.0, 5.0, 1.0]),
            range(DType::I64, [10.0, 4.0, -4.0]),
            range(DType::I32, [5.0, 2.0, 1.0]),
            range(DType::F32, [1.0, 5.0, 1.5]),
            range(DType::F64, [1.0, -2.5, -0.5]),
            range(DType::I16, [-7.0, 7.0, 3.0]),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_that_are_sizes_give_a_length() {
        let size = Fact::new(DType::F32, []).with_dims(vec![Dim::sym("n")]);
        let number = |v: f64| Tensor::floats(DType::F32, &[], &[v]).fact();
        let c = Ctx { name: "r", attrs: &Attrs::new(), outputs: 1 };
        let y = Range.infer(&c, &[Some(&number(1.0)), Some(&size), Some(&number(2.0))]).unwrap();
        assert_eq!(y[0].shape, [(Dim::sym("n") - 1.into()).ceil_div(&2.into()).max_of(&0.into())]);
        let y = Range.infer(&c, &[Some(&number(0.5)), Some(&size), Some(&number(1.0))]).unwrap();
        assert_eq!(y[0].shape, [c.fresh(0)]);
    }
}
