//! Running sums and products along an axis.

use super::elementwise::sample_floats;
use super::line::{for_each_line, position};
use super::movement::clamped;
use super::reduction::for_each_group;
use super::unary::{check_type, is_number};
use crate::attrs::Field;
use crate::lower::{Bin, Expr, Lowering, Proc, Ty, for_, if_, set, store};
use crate::op::{axis, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(CumulativeAttrs {
    /// Whether an element is left out of its own result.
    exclusive: bool = false,
    /// Whether the last element comes first.
    reverse: bool = false,
});

/// What each element and all before it are combined to.
pub struct Cumulative {
    /// ONNX name.
    pub name: &'static str,
    /// Result of nothing.
    pub start: i32,
    /// Combines two, in f64 or wrapping integers.
    pub step: fn(Num, Num) -> Num,
    /// The same as an expression.
    pub lower: Bin,
}

/// The axis operand; `None` when it is computed.
fn constant_axis(f: &Fact, rank: usize) -> Result<Option<usize>> {
    ensure!(f.len().is_one() && f.dtype.is_int(), "operand axis is {f}, expected one integer");
    ensure!(rank > 0, "operand x has no axis to go along, expected rank 1 or more");
    f.as_ints().map(|v| axis(v[0], rank)).transpose()
}

/// The procedure of the axis that data gives, of those of every axis.
fn chosen(along: &Fact, rank: usize, of: impl Fn(usize) -> Proc) -> Proc {
    let axis = clamped(&Expr::load(1, along, vec![Expr::int(0); along.rank()]), &rank.into());
    let body = (0..rank).map(|a| {
        let Proc { parallel, body, .. } = of(a);
        let body = match parallel {
            Some((v, n)) => vec![for_(v, &n, body)],
            None => body,
        };
        if_(axis.eq(&Expr::int(a as i64)), body)
    });
    Proc { body: body.collect(), ..Proc::default() }
}

impl Op for Cumulative {
    fn name(&self) -> &'static str {
        self.name
    }
    fn schema(&self) -> &'static [Field] {
        CumulativeAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        CumulativeAttrs::read(c.attrs)?;
        let (data, along) = (need(x, 0, "x")?, need(x, 1, "axis")?);
        check_type(is_number, data.dtype)?;
        constant_axis(along, data.rank())?;
        Ok(vec![Fact::new(data.dtype, data.shape.clone())])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let a = CumulativeAttrs::read(c.attrs)?;
        let (data, along) = (need(x, 0, "x")?, need(x, 1, "axis")?);
        ensure!(along.len() == 1, "axis has {} elements, expected one", along.len());
        let start = if data.dtype().is_float() { Num::F(self.start as f64) } else { Num::I(self.start as i128) };
        let mut out = vec![start; data.len()];
        for_each_group(data.shape(), &[axis(along.to_i64()[0], data.rank())?], |at| {
            let mut total = start;
            let mut at = at.to_vec();
            if a.reverse {
                at.reverse();
            }
            for i in at {
                let next = (self.step)(total, data.at(i));
                out[i] = if a.exclusive { total } else { next };
                total = next;
            }
        });
        Ok(vec![Tensor::new(data.dtype(), data.shape(), out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let a = CumulativeAttrs::read(c.attrs)?;
        let (x, along) = (need(x, 0, "x")?, need(x, 1, "axis")?);
        let ty = Ty::of(x.dtype);
        let along_axis = |axis: usize| {
            let (extent, i) = (&x.shape[axis], Expr::var(position(x)));
            let place = if a.reverse { Expr::size(extent).sub(&Expr::int(1)).sub(&i) } else { i };
            for_each_line(&x.shape, axis, |at| {
                let total = Expr::reg(0, ty);
                let next = set(0, total.bin(self.lower, &Expr::load(0, x, at(&place))));
                let write = store(0, &y[0], at(&place), total);
                let steps = if a.exclusive { vec![write, next] } else { vec![next, write] };
                vec![set(0, Expr::num(ty, self.start as f64)), for_(position(x), extent, steps)]
            })
        };
        Ok(Lowering::Proc(match constant_axis(along, x.rank())? {
            Some(axis) => along_axis(axis),
            None => chosen(along, x.rank(), along_axis),
        }))
    }
    fn samples(&self) -> Vec<Sample> {
        let along = |a: i64| Tensor::i64(&[], &[a]);
        let exclusive = Attrs::new().with("exclusive", 1i64);
        let small = Tensor::f32(&[2, 3], &[0.5, 1.5, -2.0, 1.25, 0.75, 3.0]);
        vec![
            Sample::new(Attrs::new(), vec![sample_floats(&[2, 3, 4], 1), along(1)]),
            Sample::new(exclusive.clone(), vec![small.clone(), along(-1)]),
            Sample::new(Attrs::new().with("reverse", 1i64), vec![small.cast(DType::F64), along(0)]),
            Sample::new(exclusive.with("reverse", 1i64), vec![Tensor::i64(&[4], &[1, 2, 3, 4]), along(0)]),
            Sample::new(Attrs::new(), vec![Tensor::i64(&[3], &[-7, 2, 3]).cast(DType::I32), Tensor::i64(&[1], &[0])]),
            Sample::new(Attrs::new(), vec![small.cast(DType::F16), along(1).cast(DType::I32)]),
        ]
    }
}
