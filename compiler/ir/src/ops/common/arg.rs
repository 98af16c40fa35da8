//! Where the largest or smallest element of each line is: ArgMax, ArgMin and Hardmax.

use super::elementwise::sample_floats;
use super::line::{for_each_line, position};
use super::reduction::{for_each_group, reduced_shape};
use super::unary::{check_type, is_number};
use crate::attrs::Field;
use crate::lower::{Cmp, Expr, Lowering, Stmt, Ty, for_, if_, set, store};
use crate::op::{axis, need};
use crate::{Arity, Attrs, Ctx, DType, Fact, Num, Op, Result, Sample, Tensor, attrs, ensure};

attrs!(ArgAttrs {
    /// Axis of the lines; negative counts from the end.
    axis: i64 = 0,
    /// Whether the axis stays with extent 1.
    keepdims: bool = true,
    /// Whether the last of equal elements is taken instead of the first.
    select_last_index: bool = false,
});

/// The position of one element of each line.
pub struct Arg {
    /// ONNX name.
    pub name: &'static str,
    /// How the element compares with those before it, ties aside: `Gt` or `Lt`.
    pub better: Cmp,
}

/// The comparison that also takes equal elements.
fn or_equal(c: Cmp) -> Cmp {
    if c == Cmp::Gt { Cmp::Ge } else { Cmp::Le }
}

fn holds(c: Cmp, a: Num, b: Num) -> bool {
    let order = match (a, b) {
        (Num::I(a), Num::I(b)) => Some(a.cmp(&b)),
        (a, b) => a.f().partial_cmp(&b.f()),
    };
    match c {
        Cmp::Gt => order.is_some_and(|o| o.is_gt()),
        Cmp::Ge => order.is_some_and(|o| o.is_ge()),
        Cmp::Lt => order.is_some_and(|o| o.is_lt()),
        _ => order.is_some_and(|o| o.is_le()),
    }
}

/// Position of the best element; NaN is never better than another.
pub fn best(line: &[Num], better: Cmp) -> usize {
    let mut at = 0;
    for (i, v) in line.iter().enumerate() {
        if holds(better, *v, line[at]) {
            at = i;
        }
    }
    at
}

/// Statements that leave the position of the best element of a line in register 1.
pub fn find(x: &Fact, axis: usize, better: Cmp, at: &dyn Fn(&Expr) -> Vec<Expr>) -> Vec<Stmt> {
    let (var, ty) = (Expr::var(position(x)), Ty::of(x.dtype));
    let (value, found) = (Expr::load(0, x, at(&var)), Expr::reg(0, ty));
    let take = vec![set(0, value.clone()), set(1, var.clone())];
    let first = var.eq(&Expr::int(0));
    let search = for_(position(x), &x.shape[axis], vec![if_(first.or(&value.compare(better, &found)), take)]);
    vec![set(0, Expr::num(ty, 0.0)), set(1, Expr::int(0)), search]
}

impl Arg {
    fn comparison(&self, a: &ArgAttrs) -> Cmp {
        if a.select_last_index { or_equal(self.better) } else { self.better }
    }
}

impl Op for Arg {
    fn name(&self) -> &'static str {
        self.name
    }
    fn schema(&self) -> &'static [Field] {
        ArgAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(1)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let a = ArgAttrs::read(c.attrs)?;
        let x = need(x, 0, "data")?;
        check_type(is_number, x.dtype)?;
        let axis = axis(a.axis, x.rank())?;
        ensure!(!x.shape[axis].is_zero(), "the data is {x}, expected an element along axis {axis}");
        Ok(vec![Fact::new(DType::I64, reduced_shape(&x.shape, &[axis], a.keepdims, 1.into()))])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let a = ArgAttrs::read(c.attrs)?;
        let x = need(x, 0, "data")?;
        let axis = axis(a.axis, x.rank())?;
        let mut out = vec![];
        for_each_group(x.shape(), &[axis], |at| {
            let line: Vec<Num> = at.iter().map(|i| x.at(*i)).collect();
            out.push(best(&line, self.comparison(&a)) as i64);
        });
        Ok(vec![Tensor::i64(&reduced_shape(x.shape(), &[axis], a.keepdims, 1), &out)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let a = ArgAttrs::read(c.attrs)?;
        let x = need(x, 0, "data")?;
        let axis = axis(a.axis, x.rank())?;
        Ok(Lowering::Proc(for_each_line(&x.shape, axis, |at| {
            let mut body = find(x, axis, self.comparison(&a), at);
            let mut index = at(&Expr::int(0));
            if !a.keepdims {
                index.remove(axis);
            }
            body.push(store(0, &y[0], index, Expr::reg(1, Ty::I64)));
            body
        })))
    }
    fn samples(&self) -> Vec<Sample> {
        let ties = Tensor::f32(&[2, 4], &[1.0, 3.0, 3.0, 0.0, 2.0, 2.0, 2.0, 2.0]);
        let ints = Tensor::i64(&[5], &[3, -1, 7, 7, -1]);
        let mut out = vec![];
        for x in [
            sample_floats(&[2, 3, 5], 1),
            ties,
            ints.clone(),
            ints.cast(DType::I8),
            sample_floats(&[3, 4], 2).cast(DType::F16),
        ] {
            let last = Attrs::new().with("axis", -1i64).with("select_last_index", 1i64);
            out.push(Sample::new(Attrs::new(), vec![x.clone()]));
            out.push(Sample::new(last, vec![x.clone()]));
            out.push(Sample::new(Attrs::new().with("axis", -1i64).with("keepdims", 0i64), vec![x]));
        }
        out
    }
}
