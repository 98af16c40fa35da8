//! Reductions: many elements to one along some axes.

use super::computed_axes::unknown;
use super::elementwise::sample_floats;
use super::reduction_computed::Computed;
use super::unary::{check_type, operands_of};
use crate::attrs::Field;
use crate::lower::{Comp, Expr, Lowering};
use crate::op::{axis, maybe, need};
use crate::tensor::{cast, for_each_index, strides};
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Num, Op, Result, Sample, Tensor, attrs};

attrs!(ReduceAttrs {
    /// Whether reduced axes stay with extent 1.
    keepdims: bool = true,
    /// Whether no axes means to reduce none instead of all.
    noop_with_empty_axes: bool = false,
});

/// A reduction over the axes that the optional second operand lists.
pub struct Reduction {
    /// ONNX name.
    pub name: &'static str,
    /// Which element types it takes.
    pub types: fn(DType) -> bool,
    /// One result from the elements reduced to it, in f64 or exact integers.
    pub meaning: fn(&[Num]) -> Num,
    /// How it is computed.
    pub lower: Form,
    /// The result on integers known as expressions over the sizes.
    pub dims: Option<fn(&[Dim]) -> Dim>,
}

/// How a reduction is computed.
pub enum Form {
    /// From an element, the variables to reduce over, and their number of values (I64).
    Expr(fn(&Expr, Vec<(u32, Dim)>, &Expr) -> Expr),
    /// From the operand, the axes, and the attributes.
    Graph(fn(&mut super::expansion::Expansion, crate::Value, crate::Value, &Attrs) -> Result<crate::Value>),
}

/// The operand, the attributes and the axes to reduce, sorted.
fn resolve(c: &Ctx, rank: usize, axes: Option<Vec<i64>>) -> Result<(bool, Vec<usize>)> {
    let a = ReduceAttrs::read(c.attrs)?;
    let axes = axes.unwrap_or_default();
    if axes.is_empty() {
        return Ok((a.keepdims, if a.noop_with_empty_axes { vec![] } else { (0..rank).collect() }));
    }
    let mut axes = axes.iter().map(|i| axis(*i, rank)).collect::<Result<Vec<_>>>()?;
    axes.sort_unstable();
    axes.dedup();
    Ok((a.keepdims, axes))
}

/// The reduction, if its axes are computed.
fn computed<'a>(c: &Ctx, x: &[Option<&'a Fact>]) -> Result<Option<Computed<'a>>> {
    let a = ReduceAttrs::read(c.attrs)?;
    let Some(axes) = unknown(maybe(x, 1)) else { return Ok(None) };
    let x = need(x, 0, "data")?;
    Ok(Some(Computed { x, axes, keepdims: a.keepdims, noop: a.noop_with_empty_axes }))
}

/// The axes operand as numbers, when it is not computed.
fn constant_axes(axes: Option<&Fact>) -> Option<Vec<i64>> {
    axes.and_then(Fact::as_ints)
}

/// A shape without the axes, or with extent `one` there.
pub fn reduced_shape<T: Clone>(shape: &[T], axes: &[usize], keepdims: bool, one: T) -> Vec<T> {
    let kept = shape.iter().enumerate().filter(|(i, _)| keepdims || !axes.contains(i));
    kept.map(|(i, d)| if axes.contains(&i) { one.clone() } else { d.clone() }).collect()
}

/// Calls `f` with the row-major positions of the elements that are reduced together, for each result in order.
pub fn for_each_group(shape: &[usize], axes: &[usize], mut f: impl FnMut(&[usize])) {
    let steps = strides(shape);
    let kept: Vec<usize> = (0..shape.len()).filter(|i| !axes.contains(i)).collect();
    let extents = |axes: &[usize]| axes.iter().map(|i| shape[*i]).collect::<Vec<_>>();
    let at = |axes: &[usize], idx: &[usize]| axes.iter().zip(idx).map(|(a, i)| steps[*a] * i).sum::<usize>();
    let mut group = vec![];
    for_each_index(&extents(&kept), |outer| {
        group.clear();
        for_each_index(&extents(axes), |inner| group.push(at(&kept, outer) + at(axes, inner)));
        f(&group);
    });
}

/// Meaning of a reduction along `axes`.
pub fn eval(x: &Tensor, axes: &[usize], keepdims: bool, f: impl Fn(&[Num]) -> Num) -> Tensor {
    let mut data = vec![];
    for_each_group(x.shape(), axes, |at| {
        let elements: Vec<Num> = at.iter().map(|i| x.at(*i)).collect();
        data.push(element(f(&elements), x.dtype()));
    });
    Tensor::new(x.dtype(), &reduced_shape(x.shape(), axes, keepdims, 1), data)
}

/// A result as an element; the least bool is false, for reductions of nothing.
fn element(v: Num, dtype: DType) -> Num {
    match v {
        Num::F(v) if dtype == DType::Bool => Num::from(v > 0.0),
        v => cast(v, dtype),
    }
}

/// Sum of products of the elements with themselves, exact on integers.
pub fn square_sum(v: &[Num]) -> Num {
    sum(v, |v| match v {
        Num::F(v) => Num::F(v * v),
        Num::I(v) => Num::I(v.wrapping_mul(v)),
    })
}

/// Sum of a function of the elements, in f64 or exact integers.
pub fn sum(v: &[Num], f: impl Fn(Num) -> Num) -> Num {
    let add = |a, b| super::binary::number(a, b, |a, b| a + b, i128::wrapping_add);
    v.iter().map(|v| f(*v)).reduce(add).unwrap_or(Num::I(0))
}

/// Largest (`sign` 1) or smallest (-1) element; NaN if any is; minus or plus infinity if there is none.
pub fn extreme(v: &[Num], sign: i32) -> Num {
    let pick = |a: Num, b: Num| match (a, b) {
        (Num::I(a), Num::I(b)) => Num::I(if sign > 0 { a.max(b) } else { a.min(b) }),
        (a, b) if a.f().is_nan() || b.f().is_nan() => Num::F(f64::NAN),
        (a, b) => Num::F(if sign > 0 { a.f().max(b.f()) } else { a.f().min(b.f()) }),
    };
    v.iter().copied().reduce(pick).unwrap_or(Num::F(f64::NEG_INFINITY * sign as f64))
}

/// Samples of a reduction: axes, attributes and element types.
fn samples(types: fn(DType) -> bool) -> Vec<Sample> {
    let x = || Some(sample_floats(&[2, 3, 5], 1));
    let axes = |v: &[i64]| Some(Tensor::i64(&[v.len()], v));
    let keep = |k: i64| Attrs::new().with("keepdims", k);
    let noop = |k: i64| Attrs::new().with("noop_with_empty_axes", k);
    let mut cases = vec![
        (keep(1), vec![x(), axes(&[1])]),
        (keep(0), vec![x(), axes(&[-1, 0])]),
        (keep(0), vec![x()]),
        (keep(1), vec![x(), None]),
        (noop(1), vec![x(), axes(&[])]),
        (noop(1), vec![x(), axes(&[2])]),
        (noop(0), vec![x(), axes(&[])]),
        (keep(0), vec![Some(Tensor::f32(&[], &[2.5]))]),
        (Attrs::new(), vec![Some(Tensor::f32(&[2, 2], &[f32::NAN, 1.0, 2.0, 3.0])), axes(&[1])]),
        (Attrs::new(), vec![Some(sample_floats(&[3, 4], 3).cast(DType::F16)), axes(&[1])]),
        (keep(0), vec![Some(sample_floats(&[3, 4], 3).cast(DType::F64)), axes(&[0])]),
        (keep(0), vec![Some(sample_floats(&[2, 0], 3)), axes(&[1])]),
    ];
    for t in operands_of(types).into_iter().filter(|t| !t.dtype().is_float()) {
        cases.push((keep(0), vec![Some(t.clone()), axes(&[0])]));
        cases.push((keep(1), vec![Some(t), axes(&[0])]));
    }
    if types(DType::Bool) {
        cases.push((keep(0), vec![Some(Tensor::floats(DType::Bool, &[2, 0], &[])), axes(&[1])]));
    }
    cases.into_iter().map(|(attrs, x)| Sample { attrs, x, outputs: 1 }).collect()
}

/// A reduction of operand 0 along `axes`, as an expression of the indices of `y`.
pub fn comp(
    y: &Fact,
    x: &Fact,
    axes: &[usize],
    keepdims: bool,
    f: impl Fn(&Expr, Vec<(u32, Dim)>, &Expr) -> Expr,
) -> Comp {
    let (mut vars, mut index, mut next) = (vec![], vec![], 0);
    for (i, d) in x.shape.iter().enumerate() {
        if axes.contains(&i) {
            let var = (y.rank() + vars.len()) as u32;
            vars.push((var, d.clone()));
            index.push(Expr::var(var));
        } else {
            index.push(Expr::var(next));
        }
        next += u32::from(keepdims || !axes.contains(&i));
    }
    let n = Expr::size(&crate::dim::product(vars.iter().map(|v| &v.1)));
    Comp::new(y, super::convert::convert(&f(&Expr::load(0, x, index), vars, &n), y.dtype))
}

impl Op for Reduction {
    fn name(&self) -> &'static str {
        self.name
    }
    fn schema(&self) -> &'static [Field] {
        ReduceAttrs::SCHEMA
    }
    fn operands(&self) -> Arity {
        Arity::range(1, 2)
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let data = need(x, 0, "data")?;
        check_type(self.types, data.dtype)?;
        if let Some(computed) = computed(c, x)? {
            return Ok(vec![computed.infer(c)?]);
        }
        let (keepdims, axes) = resolve(c, data.rank(), constant_axes(maybe(x, 1)))?;
        let y = Fact::new(data.dtype, reduced_shape(&data.shape, &axes, keepdims, 1.into()));
        Ok(vec![match (self.dims, data.as_dims()) {
            (Some(f), Some(v)) if axes == [0] && !v.is_empty() => y.with_dims(vec![f(&v)]),
            _ => y,
        }])
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let data = need(x, 0, "data")?;
        let (keepdims, axes) = resolve(c, data.rank(), maybe(x, 1).map(Tensor::to_i64))?;
        Ok(vec![eval(data, &axes, keepdims, self.meaning)])
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        let data = need(x, 0, "data")?;
        match (&self.lower, computed(c, x)?) {
            (Form::Expr(f), Some(computed)) => computed.lowering(c, &y[0], f),
            (Form::Expr(f), None) => {
                let (keepdims, axes) = resolve(c, data.rank(), constant_axes(maybe(x, 1)))?;
                Ok(Lowering::Comps(vec![comp(&y[0], data, &axes, keepdims, f)]))
            }
            (Form::Graph(f), computed) => {
                let mut e = super::expansion::Expansion::of(x);
                let (axes, noop) = match computed {
                    Some(computed) => (e.x(1)?, computed.noop),
                    None => {
                        let (_, axes) = resolve(c, data.rank(), constant_axes(maybe(x, 1)))?;
                        (e.ints(&axes.iter().map(|a| *a as i64).collect::<Vec<_>>()), true)
                    }
                };
                let keepdims = ReduceAttrs::read(c.attrs)?.keepdims;
                let attrs = Attrs::new().with("noop_with_empty_axes", noop).with("keepdims", keepdims);
                let v = e.x(0)?;
                let out = f(&mut e, v, axes, &attrs)?;
                Ok(e.done(&[out]))
            }
        }
    }
    fn samples(&self) -> Vec<Sample> {
        samples(self.types)
    }
}
