//! Operators that move, repeat and sum.

use super::{Rule, Step, Tape};
use crate::{Attrs, Result, Value, bail};

type Parts = Result<Vec<Option<Value>>>;

/// Operators and their rules, by name.
pub const RULES: &[(&str, Rule)] = &[
    ("Concat", concat),
    ("Expand", |t, s| Ok(vec![Some(t.unbroadcast(s.dy, s.operand(0)?)?)])),
    ("Flatten", same_elements),
    ("LogSoftmax", log_softmax),
    ("ReduceMean", |t, s| {
        let (x, dx) = (s.operand(0)?, repeated(t, s)?);
        let (all, some) = (t.plain("Size", &[x])?, t.plain("Size", &[s.y])?);
        let (all, some) = (t.plain("CastLike", &[all, x])?, t.plain("CastLike", &[some, x])?);
        let part = t.plain("Div", &[some, all])?;
        Ok(vec![Some(t.plain("Mul", &[dx, part])?)])
    }),
    ("ReduceSum", |t, s| Ok(vec![Some(repeated(t, s)?)])),
    ("Reshape", same_elements),
    ("Softmax", softmax),
    ("Squeeze", same_elements),
    ("Transpose", transpose),
    ("Unsqueeze", same_elements),
];

/// The same elements in the shape of the operand.
fn same_elements(t: &mut Tape, s: &Step) -> Parts {
    Ok(vec![Some(t.shaped(s.dy, s.operand(0)?)?)])
}

/// The axes moved back.
fn transpose(t: &mut Tape, s: &Step) -> Parts {
    let rank = t.g.fact(s.dy).rank() as i64;
    let perm = crate::attrs::read::<Option<Vec<i64>>>(s.attrs, "perm", None)?;
    let perm = perm.unwrap_or_else(|| (0..rank).rev().collect());
    let mut back = vec![0; perm.len()];
    for (i, p) in perm.iter().enumerate() {
        back[*p as usize] = i as i64;
    }
    Ok(vec![Some(t.op("Transpose", Attrs::new().with("perm", back), &[s.dy])?)])
}

/// The part of each operand.
fn concat(t: &mut Tape, s: &Step) -> Parts {
    let axis = crate::op::axis(s.attrs.int("axis", 0)?, t.g.fact(s.dy).rank())? as i64;
    let size = Attrs::new().with("start", axis).with("end", axis + 1);
    let x: Vec<Value> = (0..s.x.len()).map(|i| s.operand(i)).collect::<Result<_>>()?;
    let sizes = x.iter().map(|x| t.op("Shape", size.clone(), &[*x])).collect::<Result<Vec<_>>>()?;
    let sizes = t.op("Concat", Attrs::new().with("axis", 0i64), &sizes)?;
    let parts = t.results("Split", Attrs::new().with("axis", axis), &[s.dy, sizes], x.len())?;
    Ok(parts.into_iter().map(Some).collect())
}

/// `dy` repeated along the axes that were reduced.
fn repeated(t: &mut Tape, s: &Step) -> Result<Value> {
    let x = s.operand(0)?;
    let axes = match s.x.get(1).copied().flatten() {
        None => vec![],
        Some(v) => match t.g.fact(v).as_ints() {
            Some(axes) => axes,
            None => bail!("operand axes is computed, expected a constant"),
        },
    };
    let noop = axes.is_empty() && s.attrs.int("noop_with_empty_axes", 0)? != 0;
    let mut dy = s.dy;
    if s.attrs.int("keepdims", 1)? == 0 && !noop {
        let rank = t.g.fact(x).rank();
        let mut axes = axes.iter().map(|a| Ok(crate::op::axis(*a, rank)? as i64)).collect::<Result<Vec<_>>>()?;
        if axes.is_empty() {
            axes = (0..rank as i64).collect();
        }
        axes.sort_unstable();
        axes.dedup();
        let axes = t.ints(&axes);
        dy = t.plain("Unsqueeze", &[dy, axes])?;
    }
    t.fill(dy, x)
}

fn last_axis(t: &mut Tape, s: &Step) -> Result<Value> {
    let axis = s.attrs.int("axis", -1)?;
    Ok(t.ints(&[axis]))
}

/// `dx = y * (dy - sum(y dy))`.
fn softmax(t: &mut Tape, s: &Step) -> Parts {
    let axis = last_axis(t, s)?;
    let weighed = t.plain("Mul", &[s.y, s.dy])?;
    let sum = t.plain("ReduceSum", &[weighed, axis])?;
    let rest = t.plain("Sub", &[s.dy, sum])?;
    Ok(vec![Some(t.plain("Mul", &[s.y, rest])?)])
}

/// `dx = dy - exp(y) * sum(dy)`.
fn log_softmax(t: &mut Tape, s: &Step) -> Parts {
    let axis = last_axis(t, s)?;
    let sum = t.plain("ReduceSum", &[s.dy, axis])?;
    let y = t.plain("Exp", &[s.y])?;
    let shared = t.plain("Mul", &[y, sum])?;
    Ok(vec![Some(t.plain("Sub", &[s.dy, shared])?)])
}
