//! Named conditions of rules. Each is false where something it needs is not known.

use crate::analysis::{Data, Info};
use crate::functions;
use dlc_ir::{Attr, Fact, Num, Tensor};

/// An argument.
#[derive(Clone, Copy, Debug)]
pub enum Arg<'a> {
    /// What is known of a variable.
    Data(&'a Data),
    /// A number.
    Num(f64),
    /// A word, e.g. the name of an attribute.
    Name(&'a str),
}

impl<'a> Arg<'a> {
    fn info(self) -> Option<&'a Info> {
        if let Arg::Data(d) = self { d.tensor() } else { None }
    }
    fn fact(self) -> Option<&'a Fact> {
        self.info().map(|i| &i.fact)
    }
    fn value(self) -> Option<&'a Tensor> {
        self.fact()?.constant()
    }
    fn num(self) -> Option<f64> {
        if let Arg::Num(v) = self { Some(v) } else { None }
    }
}

/// A condition.
#[derive(Debug)]
pub struct Condition {
    /// Name in rules.
    pub name: &'static str,
    /// Whether it holds; `None` is no.
    pub holds: fn(&[Arg]) -> Option<bool>,
}

const fn condition(name: &'static str, holds: fn(&[Arg]) -> Option<bool>) -> Condition {
    Condition { name, holds }
}

/// All of them. `(not name ..)` negates.
pub static CONDITIONS: &[Condition] = &[
    // (const ?w): depends on constants only.
    condition("const", |a| Some(a[0].info()?.constant)),
    // (float ?x): has elements of a floating-point type.
    condition("float", |a| Some(a[0].fact()?.dtype.is_float())),
    // (rank ?x 4)
    condition("rank", |a| Some(a[0].fact()?.rank() as f64 == a[1].num()?)),
    // (scalar ?c): one element, whatever the rank.
    condition("scalar", |a| Some(a[0].fact()?.shape.iter().all(|d| d.is_one()))),
    // (same_shape ?x ?y)
    condition("same_shape", |a| Some(a[0].fact()?.shape == a[1].fact()?.shape)),
    // (stacked ?x ?y): stacks of matrices with the same two leading sizes.
    condition("stacked", |a| {
        let (x, y) = (a[0].fact()?, a[1].fact()?);
        Some(x.rank() == 4 && y.rank() == 4 && x.shape[..2] == y.shape[..2])
    }),
    // (same_rank ?x ?y)
    condition("same_rank", |a| Some(a[0].fact()?.rank() == a[1].fact()?.rank())),
    // (fits ?c ?x): broadcasting `c` to `x` leaves the shape of `x`.
    condition("fits", |a| {
        let (c, x) = (a[0].fact()?, a[1].fact()?);
        let skip = x.rank().checked_sub(c.rank())?;
        Some(c.shape.iter().zip(&x.shape[skip..]).all(|(c, x)| c.is_one() || c == x))
    }),
    // (rank_within ?c ?x): rank not above that of `x`.
    condition("rank_within", |a| Some(a[0].fact()?.rank() <= a[1].fact()?.rank())),
    // (is ?c 0.5): every element is this number, rounded to the type or written with five digits.
    condition("is", |a| {
        let want = a[1].num()?;
        let close = |v: Num| v.f() == want || (v.f() - want).abs() <= 2e-5 * want.abs();
        a[0].value().map(|t| !t.is_empty() && t.iter().all(close))
    }),
    // (nonzero ?c): no element is 0 or so small that its inverse is no number.
    condition("nonzero", |a| a[0].value().map(|t| t.iter().all(|v| v.f().abs() > 1e-30))),
    // (power_of_two ?c): every element is one, so that dividing by it is multiplying by its inverse.
    condition("power_of_two", |a| {
        let power = |v: Num| v.f().is_normal() && v.f().abs().log2().fract() == 0.0 && v.f().abs().log2().abs() <= 14.0;
        a[0].value().map(|t| t.dtype().is_float() && t.iter().all(power))
    }),
    // (per_filter ?k ?w): one number per filter of `w`, laid along axis 1 of the images convolution gives.
    condition("per_filter", |a| {
        let (k, w) = (a[0].fact()?, a[1].fact()?);
        let spatial = w.rank().checked_sub(2)?;
        let axis = k.rank().checked_sub(spatial + 1)?;
        let others = k.shape.iter().enumerate().filter(|(i, _)| *i != axis).all(|(_, d)| d.is_one());
        Some(others && k.rank() <= w.rank() && k.shape[axis] == w.shape[0])
    }),
    // (last_axis ?k ?w): ones but for the last size, which is that of `w`.
    condition("last_axis", |a| {
        let (k, w) = (a[0].fact()?, a[1].fact()?);
        let (last, ones) = k.shape.split_last()?;
        Some(last == w.shape.last()? && ones.iter().all(|d| d.is_one()))
    }),
    // (over_last ?axes ?x): constant axes that are just the last one of `x`.
    condition("over_last", |a| {
        let (Arg::Data(axes), x) = (a[0], a[1].fact()?) else { return None };
        Some(functions::one_axis(axes, x)? + 1 == x.rank())
    }),
    // (same_axis ?a ?b ?x): constant axes that are one and the same axis of `x`.
    condition("same_axis", |a| {
        let (Arg::Data(l), Arg::Data(r), x) = (a[0], a[1], a[2].fact()?) else { return None };
        Some(functions::one_axis(l, x)? == functions::one_axis(r, x)?)
    }),
    // (axis_of ?a -1 ?i ?x): attribute axis, -1 when absent, is the one constant axis of `x`.
    condition("axis_of", |a| {
        let (Arg::Data(Data::Attrs(attrs)), Arg::Data(i), x) = (a[0], a[2], a[3].fact()?) else { return None };
        let axis = dlc_ir::op::axis(attrs.int("axis", a[1].num()? as i64).ok()?, x.rank()).ok()?;
        Some(functions::one_axis(i, x)? == axis)
    }),
    // (int ?a keepdims 1 0): the attribute, 1 when absent, is 0.
    condition("int", |a| {
        let (Arg::Data(Data::Attrs(attrs)), Arg::Name(name)) = (a[0], a[1]) else { return None };
        let v = match attrs.get(name) {
            Some(Attr::Int(v)) => *v as f64,
            None => a[2].num()?,
            _ => return None,
        };
        Some(v == a[3].num()?)
    }),
    // (number ?a alpha 0.2 0.16667): the attribute, 0.2 when absent, is this number up to rounding.
    condition("number", |a| {
        let (Arg::Data(Data::Attrs(attrs)), Arg::Name(name)) = (a[0], a[1]) else { return None };
        let v = match attrs.get(name) {
            Some(Attr::Float(v)) => f64::from(*v),
            None => a[2].num()?,
            _ => return None,
        };
        Some((v - a[3].num()?).abs() <= 2e-5 * a[3].num()?.abs())
    }),
    // (in_order ?p ?x): the permutation of a Transpose of `x` moves nothing.
    condition("in_order", |a| {
        let (Arg::Data(Data::Attrs(p)), x) = (a[0], a[1].fact()?) else { return None };
        Some(functions::perm(p, x)?.iter().enumerate().all(|(i, v)| i as i64 == *v))
    }),
    // (copies_no_size ?s): a shape for Reshape that is known and has no 0.
    condition("copies_no_size", |a| Some(a[0].fact()?.as_dims()?.iter().all(|d| !d.is_zero()))),
    // (reshapes ?a ?x ?s): a Reshape of `x` to `s` is known to keep all elements.
    condition("reshapes", |a| {
        let (Arg::Data(Data::Attrs(attrs)), x, s) = (a[0], a[1].fact()?, a[2].fact()?) else { return None };
        functions::reshapes(x, &s.as_dims()?, attrs.int("allowzero", 0).ok()? != 0)
    }),
    // (ordered ?a ?b): scalars, the first not above the second.
    condition("ordered", |a| {
        let one = |a: Arg| a.value().filter(|t| t.len() == 1).map(|t| t.at(0).f());
        Some(one(a[0])? <= one(a[1])?)
    }),
];
