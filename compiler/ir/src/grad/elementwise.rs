//! Operators on elements.

use super::{Rule, Step, Tape};
use crate::{Attrs, Result, Value};
use std::f64::consts::PI;

type Parts = Result<Vec<Option<Value>>>;

/// Operators and their rules, by name.
pub const RULES: &[(&str, Rule)] = &[
    ("Abs", |t, s| factor(t, s, |t, x, _| t.plain("Sign", &[x]))),
    ("Acos", |t, s| factor(t, s, |t, x, _| root(t, x, -1.0, 1.0, -1.0))),
    ("Acosh", |t, s| factor(t, s, |t, x, _| root(t, x, 1.0, -1.0, 1.0))),
    ("Add", |t, s| binary(t, s, |_, [_, _, dy]| Ok([dy, dy]))),
    ("Asin", |t, s| factor(t, s, |t, x, _| root(t, x, -1.0, 1.0, 1.0))),
    ("Asinh", |t, s| factor(t, s, |t, x, _| root(t, x, 1.0, 1.0, 1.0))),
    ("Atan", |t, s| {
        factor(t, s, |t, x, _| {
            let v = square_plus(t, x, 1.0, 1.0)?;
            t.plain("Reciprocal", &[v])
        })
    }),
    ("Atanh", |t, s| {
        factor(t, s, |t, x, _| {
            let v = square_plus(t, x, -1.0, 1.0)?;
            t.plain("Reciprocal", &[v])
        })
    }),
    ("Cast", cast),
    ("Cos", |t, s| {
        factor(t, s, |t, x, _| {
            let v = t.plain("Sin", &[x])?;
            t.plain("Neg", &[v])
        })
    }),
    ("Cosh", |t, s| factor(t, s, |t, x, _| t.plain("Sinh", &[x]))),
    ("Div", |t, s| {
        binary(t, s, |t, [a, b, dy]| {
            let da = t.plain("Div", &[dy, b])?;
            let ratio = t.plain("Div", &[a, b])?;
            let db = t.plain("Mul", &[da, ratio])?;
            Ok([da, t.plain("Neg", &[db])?])
        })
    }),
    ("Erf", |t, s| {
        factor(t, s, |t, x, _| {
            let v = square_plus(t, x, -1.0, 0.0)?;
            let v = t.plain("Exp", &[v])?;
            t.scaled(v, 2.0 / PI.sqrt())
        })
    }),
    ("Exp", |t, s| factor(t, s, |_, _, y| Ok(y))),
    ("Identity", |_, s| Ok(vec![Some(s.dy)])),
    ("Log", |t, s| factor(t, s, |t, x, _| t.plain("Reciprocal", &[x]))),
    ("Mul", |t, s| binary(t, s, |t, [a, b, dy]| Ok([t.plain("Mul", &[dy, b])?, t.plain("Mul", &[dy, a])?]))),
    ("Neg", |t, s| Ok(vec![Some(t.plain("Neg", &[s.dy])?)])),
    ("Pow", power),
    ("Reciprocal", |t, s| factor(t, s, |t, _, y| square_plus(t, y, -1.0, 0.0))),
    ("Relu", |t, s| {
        factor(t, s, |t, x, _| {
            let zero = t.like(x, 0.0);
            let on = t.plain("Greater", &[x, zero])?;
            t.plain("CastLike", &[on, x])
        })
    }),
    ("Sigmoid", |t, s| {
        factor(t, s, |t, _, y| {
            let one = t.like(y, 1.0);
            let rest = t.plain("Sub", &[one, y])?;
            t.plain("Mul", &[y, rest])
        })
    }),
    ("Sin", |t, s| factor(t, s, |t, x, _| t.plain("Cos", &[x]))),
    ("Sinh", |t, s| factor(t, s, |t, x, _| t.plain("Cosh", &[x]))),
    ("Softplus", |t, s| factor(t, s, |t, x, _| t.plain("Sigmoid", &[x]))),
    ("Sqrt", |t, s| {
        factor(t, s, |t, _, y| {
            let v = t.plain("Reciprocal", &[y])?;
            t.scaled(v, 0.5)
        })
    }),
    ("Sub", |t, s| binary(t, s, |t, [_, _, dy]| Ok([dy, t.plain("Neg", &[dy])?]))),
    ("Sum", |t, s| s.x.iter().map(|x| x.map(|x| t.unbroadcast(s.dy, x)).transpose()).collect()),
    ("Tan", |t, s| factor(t, s, |t, _, y| square_plus(t, y, 1.0, 1.0))),
    ("Tanh", |t, s| factor(t, s, |t, _, y| square_plus(t, y, -1.0, 1.0))),
    ("Where", choice),
];

/// `dx = dy * f'(x)`; the derivative from operand and result.
fn factor(t: &mut Tape, s: &Step, f: fn(&mut Tape, Value, Value) -> Result<Value>) -> Parts {
    let derivative = f(t, s.operand(0)?, s.y)?;
    Ok(vec![Some(t.plain("Mul", &[s.dy, derivative])?)])
}

/// Gradients of two operands from both and the result's, before those that were broadcast are summed.
fn binary(t: &mut Tape, s: &Step, f: fn(&mut Tape, [Value; 3]) -> Result<[Value; 2]>) -> Parts {
    let (a, b) = (s.operand(0)?, s.operand(1)?);
    let [da, db] = f(t, [a, b, s.dy])?;
    Ok(vec![Some(t.unbroadcast(da, a)?), Some(t.unbroadcast(db, b)?)])
}

/// `scale * v^2 + plus`.
fn square_plus(t: &mut Tape, v: Value, scale: f64, plus: f64) -> Result<Value> {
    let square = t.plain("Mul", &[v, v])?;
    let square = t.scaled(square, scale)?;
    let plus = t.like(v, plus);
    t.plain("Add", &[square, plus])
}

/// `sign / sqrt(scale * x^2 + plus)`.
fn root(t: &mut Tape, x: Value, scale: f64, plus: f64, sign: f64) -> Result<Value> {
    let v = square_plus(t, x, scale, plus)?;
    let v = t.plain("Sqrt", &[v])?;
    let v = t.plain("Reciprocal", &[v])?;
    t.scaled(v, sign)
}

/// Between floats; integers have no gradient.
fn cast(t: &mut Tape, s: &Step) -> Parts {
    let to = t.g.fact(s.operand(0)?).dtype;
    Ok(vec![match to.is_float() {
        true => Some(t.op("Cast", Attrs::new().with("to", to), &[s.dy])?),
        false => None,
    }])
}

/// `x^p`: `p x^(p-1)` and `x^p log x`.
fn power(t: &mut Tape, s: &Step) -> Parts {
    let (x, p) = (s.operand(0)?, s.operand(1)?);
    let exponent = t.plain("CastLike", &[p, x])?;
    let one = t.like(x, 1.0);
    let less = t.plain("Sub", &[exponent, one])?;
    let slope = t.plain("Pow", &[x, less])?;
    let slope = t.plain("Mul", &[slope, exponent])?;
    let dx = t.plain("Mul", &[s.dy, slope])?;
    let dx = t.unbroadcast(dx, x)?;
    if !t.g.fact(p).dtype.is_float() || t.g.constant(p).is_some() {
        return Ok(vec![Some(dx), None]);
    }
    let log = t.plain("Log", &[x])?;
    let growth = t.plain("Mul", &[s.y, log])?;
    let dp = t.plain("Mul", &[s.dy, growth])?;
    let dp = t.plain("CastLike", &[dp, p])?;
    Ok(vec![Some(dx), Some(t.unbroadcast(dp, p)?)])
}

/// The side that is not taken gets nothing.
fn choice(t: &mut Tape, s: &Step) -> Parts {
    let (c, a, b) = (s.operand(0)?, s.operand(1)?, s.operand(2)?);
    let zero = t.like(s.dy, 0.0);
    let (da, db) = (t.plain("Where", &[c, s.dy, zero])?, t.plain("Where", &[c, zero, s.dy])?);
    Ok(vec![None, Some(t.unbroadcast(da, a)?), Some(t.unbroadcast(db, b)?)])
}
