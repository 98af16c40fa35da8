//! Named functions of rules: attributes and constants of the right side that follow from what the variables are.

use crate::analysis::Data;
use dlc_ir::{Attr, Attrs, DType, Dim, Fact, Num, Tensor, dim};

/// A pure function on what is known; `None` where it has no value, and then the rule does not apply.
#[derive(Debug)]
pub struct Function {
    /// Name in rules, without the `@`.
    pub name: &'static str,
    /// Its value.
    pub value: fn(&[&Data]) -> Option<Data>,
}

const fn function(name: &'static str, value: fn(&[&Data]) -> Option<Data>) -> Function {
    Function { name, value }
}

/// All of them.
pub static FUNCTIONS: &[Function] = &[
    // (@compose ?p ?q ?x): transposing `x` by `q`, then by `p`.
    function("compose", |a| {
        let (p, q) = (perm(a[0].attrs()?, a[2].fact()?)?, perm(a[1].attrs()?, a[2].fact()?)?);
        let composed: Option<Vec<i64>> = p.iter().map(|i| q.get(*i as usize).copied()).collect();
        Some(Data::Attrs(Attrs::new().with("perm", composed?)))
    }),
    // (@inverse ?p ?x): the permutation that undoes `p` on a tensor of the rank of `x`.
    function("inverse", |a| {
        let p = perm(a[0].attrs()?, a[1].fact()?)?;
        let at = |i: usize| p.iter().position(|v| *v == i as i64).map(|v| v as i64);
        let inverse: Option<Vec<i64>> = (0..p.len()).map(at).collect();
        Some(Data::Attrs(Attrs::new().with("perm", inverse?)))
    }),
    // (@alpha ?c): attribute alpha, of a constant of one element.
    function("alpha", |a| {
        let alpha = a[0].fact()?.constant().filter(|t| t.len() == 1)?.at(0).f() as f32;
        Some(Data::Attrs(Attrs::new().with("alpha", alpha)))
    }),
    // (@like 0.5 ?x): a scalar of the element type of `x`.
    function("like", |a| {
        let v = a[0].fact()?.constant()?.at(0);
        let dtype = a[1].fact()?.dtype;
        Some(Data::constant(Tensor::scalar(dtype, if dtype.is_float() { v } else { Num::I(v.i()) })))
    }),
    // (@filters ?w): the shape that puts one number per filter beside weights `w`, [-1, 1, 1, ..].
    function("filters", |a| axis_shape(a[0].fact()?, 0)),
    // (@channels ?x): the shape that puts one number per channel beside images `x`, [1, -1, 1, ..].
    function("channels", |a| axis_shape(a[0].fact()?, 1)),
    // (@epsilon ?a ?v): attribute epsilon, 1e-5 when absent, of the element type of `v`.
    function("epsilon", |a| {
        let eps = match a[0].attrs()?.get("epsilon") {
            Some(Attr::Float(v)) => *v,
            _ => 1e-5,
        };
        Some(Data::constant(Tensor::scalar(a[1].fact()?.dtype, Num::F(eps.into()))))
    }),
    // (@axis ?axes ?x): attribute axis, of constant axes that are one.
    function("axis", |a| Some(Data::Attrs(Attrs::new().with("axis", one_axis(a[0], a[1].fact()?)? as i64)))),
    // (@norm ?axes ?eps ?x): attributes of a normalization over one axis.
    function("norm", |a| {
        let axis = one_axis(a[0], a[2].fact()?)? as i64 - a[2].fact()?.rank() as i64;
        let eps = a[1].fact()?.constant().filter(|t| t.len() == 1)?.at(0).f() as f32;
        Some(Data::Attrs(Attrs::new().with("axis", axis).with("epsilon", eps)))
    }),
    // (@unsqueezed ?x ?axes): the shape of Unsqueeze, as Reshape wants it.
    function("unsqueezed", |a| {
        let mut shape = a[0].fact()?.shape.clone();
        let axes = a[1].fact()?.as_ints()?;
        let rank = (shape.len() + axes.len()) as i64;
        let mut axes: Vec<i64> = axes.iter().map(|v| if *v < 0 { v + rank } else { *v }).collect();
        axes.sort();
        for at in axes {
            let at = usize::try_from(at).ok().filter(|at| *at <= shape.len())?;
            shape.insert(at, 1.into());
        }
        as_shape(&shape)
    }),
    // (@squeezed ?x ?axes): the shape of Squeeze, as Reshape wants it.
    function("squeezed", |a| {
        let x = a[0].fact()?;
        let rank = x.rank() as i64;
        let axes: Vec<i64> = a[1].fact()?.as_ints()?.iter().map(|v| if *v < 0 { v + rank } else { *v }).collect();
        let kept = x.shape.iter().enumerate().filter(|(i, _)| !axes.contains(&(*i as i64)));
        as_shape(&kept.map(|(_, d)| d.clone()).collect::<Vec<_>>())
    }),
    // (@flattened ?a ?x): the shape of Flatten, as Reshape wants it.
    function("flattened", |a| {
        let x = a[1].fact()?;
        let axis = a[0].attrs()?.int("axis", 1).ok()?;
        let axis = if axis < 0 { axis + x.rank() as i64 } else { axis };
        let (outer, inner) = x.shape.split_at_checked(usize::try_from(axis).ok()?)?;
        as_shape(&[dim::product(outer), dim::product(inner)])
    }),
];

/// Attribute perm of `Transpose`; reversed when absent.
pub fn perm(a: &Attrs, x: &Fact) -> Option<Vec<i64>> {
    match a.get("perm") {
        Some(Attr::Ints(p)) => Some(p.clone()),
        None => Some((0..x.rank() as i64).rev().collect()),
        _ => None,
    }
}

/// The single axis in constant `axes` of `x`, counted from 0.
pub fn one_axis(axes: &Data, x: &Fact) -> Option<usize> {
    match axes.fact()?.as_ints()?[..] {
        [axis] => dlc_ir::op::axis(axis, x.rank()).ok(),
        _ => None,
    }
}

/// Whether `x` under the shape that `Reshape` is given has as many elements; `None` is not known.
pub fn reshapes(x: &Fact, shape: &[Dim], allowzero: bool) -> Option<bool> {
    let copied = |(i, d): (usize, &Dim)| match d.is_zero() && !allowzero {
        true => x.shape.get(i).cloned(),
        false => Some(d.clone()),
    };
    let sizes: Vec<Dim> = shape.iter().enumerate().map(copied).collect::<Option<_>>()?;
    let rest = dim::product(sizes.iter().filter(|d| d.as_const() != Some(-1)));
    Some(match sizes.iter().any(|d| d.as_const() == Some(-1)) {
        true => x.len().exact_div(&rest).is_some(),
        false => x.len() == rest,
    })
}

fn axis_shape(x: &Fact, axis: usize) -> Option<Data> {
    let mut shape = vec![1i64; x.rank()];
    *shape.get_mut(axis)? = -1;
    Some(Data::constant(Tensor::i64(&[shape.len()], &shape)))
}

/// Operand of Reshape that gives this shape: at most one size may be symbolic, none 0.
fn as_shape(shape: &[Dim]) -> Option<Data> {
    let sizes: Vec<i64> = shape.iter().map(|d| d.as_const().unwrap_or(-1)).collect();
    let symbolic = sizes.iter().filter(|v| **v == -1).count();
    (symbolic <= 1 && !sizes.contains(&0)).then(|| Data::constant(Tensor::i64(&[sizes.len()], &sizes)))
}

/// A number of a rule.
pub fn number(v: f64) -> Data {
    Data::constant(Tensor::scalar(DType::F64, Num::F(v)))
}
