//! `Mod`: element-wise remainder with broadcasting, of the divisor's sign, or of the dividend's with `fmod`.
//! <https://onnx.ai/onnx/operators/onnx__Mod.html>

use super::common::binary::{number, operands_of};
use super::common::elementwise::{self, all};
use super::common::unary::{check_type, is_number};
use crate::infer::same_dtype;
use crate::lower::{self, Expr, Lowering};
use crate::{Arity, Attrs, Ctx, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs};

attrs!(ModAttrs {
    /// Whether the quotient truncates instead of rounding down.
    fmod: bool = false,
});

pub struct Mod;

/// The remainder of a quotient rounded down: it has the sign of `b`. An integer by zero is 0.
fn floored(a: Num, b: Num) -> Num {
    let shift = |r: f64, b: f64| if r != 0.0 && (r < 0.0) != (b < 0.0) { r + b } else { r };
    let shift_int = |r: i128, b: i128| if r != 0 && (r < 0) != (b < 0) { r + b } else { r };
    number(a, b, |a, b| shift(a % b, b), |a, b| shift_int(a.checked_rem(b).unwrap_or(0), b))
}

fn truncated(a: Num, b: Num) -> Num {
    number(a, b, |a, b| a % b, |a, b| a.checked_rem(b).unwrap_or(0))
}

fn floored_expr(a: &Expr, b: &Expr) -> Expr {
    let (r, zero) = (a.rem(b), a.like(0.0));
    let differ = r.lt(&zero).xor(&b.lt(&zero)).and(&r.ne(&zero));
    differ.select(&r.add(b), &r)
}

fn size(a: &Dim, b: &Dim) -> Option<Dim> {
    (a.at_least(0) && b.at_least(1)).then(|| a.rem(b))
}

impl Op for Mod {
    fn name(&self) -> &'static str {
        "Mod"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        ModAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::exactly(2)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        ModAttrs::read(c.attrs)?;
        let x = all(x)?;
        same_dtype(&x)?;
        check_type(is_number, x[0].dtype)?;
        Ok(vec![elementwise::infer_known(&x, x[0].dtype, size)?])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let (x, f) = (all(x)?, if ModAttrs::read(c.attrs)?.fmod { truncated } else { floored });
        Ok(vec![elementwise::eval(&x, x[0].dtype(), |v| f(v[0], v[1]))?])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let fmod = ModAttrs::read(c.attrs)?.fmod;
        let f = |v: &[Expr]| if fmod { v[0].rem(&v[1]) } else { floored_expr(&v[0], &v[1]) };
        Ok(lower::map(&y[0], &all(x)?, f))
    }
    fn samples(&self) -> Vec<Sample> {
        let attrs = [Attrs::new(), Attrs::new().with("fmod", 1i64)];
        let each = |a: &Attrs| operands_of(is_number).into_iter().map(|x| Sample::new(a.clone(), x)).collect();
        attrs.iter().flat_map(|a| -> Vec<Sample> { each(a) }).collect()
    }
}
