//! `Loop`: a graph run again and again, its results carried to the next iteration.
//! <https://onnx.ai/onnx/operators/onnx__Loop.html>
//!
//! The body is closed: what it uses of the graph around it are the last operands and its last inputs.

use super::common::control::{Outer, iterate, stack, undecided};
use super::common::quantize::sample_narrow;
use crate::lower::Lowering;
use crate::op::{Strings, maybe, need};
use crate::{Arity, Attrs, Ctx, DType, Dim, Fact, Graph, Num, Op, Result, Sample, Tensor, attrs, ensure};
use std::sync::Arc;

attrs!(LoopAttrs {
    /// From iteration number, condition, carried and captured values to condition, carried values, scanned elements.
    body: Arc<Graph>,
    /// Number of operands at the end that the body uses unchanged.
    captured: i64 = 0,
});

pub struct Loop;

/// The operands: carried ones and captured ones.
type Parts<'a, T> = (Vec<&'a T>, Vec<&'a T>);

fn parts<'a, T>(a: &LoopAttrs, x: &[Option<&'a T>]) -> Result<Parts<'a, T>> {
    let all: Vec<&T> = (2..x.len()).map(|i| need(x, i, "carried")).collect::<Result<_>>()?;
    match usize::try_from(a.captured).ok().and_then(|c| all.len().checked_sub(c)) {
        Some(n) => Ok((all[..n].to_vec(), all[n..].to_vec())),
        None => crate::bail!("attribute captured is {}, expected at most {} operands", a.captured, all.len()),
    }
}

/// Number of results beyond the carried values.
fn scans(a: &LoopAttrs, carried: usize) -> Result<usize> {
    let n = a.body.outputs().len();
    match n.checked_sub(1 + carried) {
        Some(k) => Ok(k),
        None => crate::bail!("body gives {n} results, expected {} or more", 1 + carried),
    }
}

fn yes(f: Option<&Fact>) -> bool {
    f.is_none_or(|f| f.constant().is_some_and(|t| t.len() == 1 && t.at(0).truth()))
}

/// Facts of the body's results for operands `x`.
fn body_facts(c: &Ctx, a: &LoopAttrs, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
    let (carried, captured) = parts(a, x)?;
    let mut cond = Fact::new(DType::Bool, []);
    if yes(maybe(x, 1)) {
        cond = Tensor::scalar(DType::Bool, Num::from(true)).fact();
    }
    let mut inputs = vec![Fact::new(DType::I64, []), cond.clone()];
    inputs.extend(carried.iter().map(|f| f.type_only()));
    inputs.extend(captured.into_iter().cloned());
    let states = 2..2 + carried.len();
    let facts = iterate(c, &a.body, inputs.clone(), states.clone(), 1)?;
    if cond.known.is_some() && maybe(x, 1).is_some() && !yes(facts.first()) {
        inputs[1] = cond.type_only();
        return iterate(c, &a.body, inputs, states, 1);
    }
    Ok(facts)
}

/// Number of iterations where the operands tell it.
fn trips(x: &[Option<&Fact>], facts: &[Fact]) -> Option<Dim> {
    let endless = maybe(x, 1).is_none() || (yes(maybe(x, 1)) && yes(facts.first()));
    let m = maybe(x, 0).filter(|_| endless)?.as_dims()?;
    m.first().map(|m| m.max_of(&0.into()))
}

impl Op for Loop {
    fn name(&self) -> &'static str {
        "Loop"
    }
    fn schema(&self) -> &'static [crate::attrs::Field] {
        LoopAttrs::SCHEMA
    }
    fn takes_forms(&self) -> bool {
        true
    }
    fn operands(&self) -> Arity {
        Arity::at_least(2)
    }
    fn results(&self) -> Arity {
        Arity::at_least(1)
    }
    fn strings(&self) -> Strings {
        Strings::Read
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let a = LoopAttrs::read(c.attrs)?;
        for (i, what, dtype) in [(0, "M", DType::I64), (1, "cond", DType::Bool)] {
            let ok = |f: &Fact| f.dtype == dtype && f.form.is_dense() && f.len().as_const().is_none_or(|n| n == 1);
            ensure!(
                maybe(x, i).is_none_or(ok),
                "operand {what} is {}, expected one {dtype}",
                maybe(x, i).map_or(String::new(), Fact::to_string)
            );
        }
        let carried = parts(&a, x)?.0.len();
        ensure!(
            c.outputs <= carried + scans(&a, carried)?,
            "body gives fewer than {} results, expected as many as the node",
            c.outputs
        );
        let facts = body_facts(c, &a, x)?;
        let tensors = facts[1 + carried..].iter().all(|f| f.form.is_dense());
        ensure!(tensors, "a value that the body gives for each iteration is no tensor");
        let trips = trips(x, &facts).unwrap_or_else(|| undecided(c, 4096));
        let scanned = |f: &Fact| Fact::new(f.dtype, std::iter::once(trips.clone()).chain(f.shape.iter().cloned()));
        let results = facts[1..].iter().enumerate().map(|(i, f)| if i < carried { f.clone() } else { scanned(f) });
        Ok(Outer::of(x).results(c, results.take(c.outputs).collect()))
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        let a = LoopAttrs::read(c.attrs)?;
        let (carried, captured) = parts(&a, x)?;
        let (trips, checked) = (maybe(x, 0).map_or(i64::MAX, |m| m.at(0).i() as i64), maybe(x, 1).is_some());
        let mut go = maybe(x, 1).is_none_or(|t| t.at(0).truth());
        let mut state: Vec<Tensor> = carried.into_iter().cloned().collect();
        let n = state.len();
        let mut scanned: Vec<Vec<Tensor>> = vec![vec![]; scans(&a, n)?];
        let (mut i, mut held) = (0, crate::budget::Held::default());
        while i < trips && go {
            let mut inputs =
                vec![Tensor::scalar(DType::I64, Num::I(i as i128)), Tensor::scalar(DType::Bool, go.into())];
            inputs.append(&mut state);
            inputs.extend(captured.iter().map(|t| (*t).clone()));
            let mut out = crate::interp::run(&a.body, &inputs)?;
            for (all, t) in scanned.iter_mut().zip(out.split_off(1 + n)) {
                held.take(t.bytes().len() as u64)?;
                all.push(t);
            }
            state = out.split_off(1);
            ensure!(out[0].len() == 1, "operand condition has {} elements, expected 1", out[0].len());
            go = !checked || out[0].at(0).truth();
            i += 1;
        }
        let facts: Vec<Option<Fact>> = x.iter().map(|t| t.map(Tensor::type_fact)).collect();
        let facts = body_facts(c, &a, &facts.iter().map(Option::as_ref).collect::<Vec<_>>())?;
        for (k, parts) in scanned.iter().enumerate() {
            state.push(stack(parts, &facts[1 + n + k], 0)?);
        }
        state.truncate(c.outputs);
        Ok(state)
    }
    fn lowering(&self, _: &Ctx, _: &[Option<&Fact>], _: &[Fact]) -> Result<Lowering> {
        Ok(Lowering::Control)
    }
    fn takes_narrow(&self) -> bool {
        true
    }
    fn samples(&self) -> Vec<Sample> {
        let scalar = |d: DType, v: i128| Some(Tensor::scalar(d, Num::I(v)));
        let (m, yes) = (scalar(DType::I64, 3), scalar(DType::Bool, 1));
        let s = |body: Result<Graph>, outputs: usize, mut x: Vec<Option<Tensor>>| {
            let attrs = body.map(|b| Attrs::new().with("body", b).with("captured", 1i64)).unwrap_or_default();
            x.push(Some(Tensor::f32(&[2], &[0.5, -1.0])));
            Sample { attrs, x, outputs }
        };
        let start = Some(Tensor::f32(&[2], &[1.0, 2.0]));
        vec![
            s(counting(), 2, vec![m.clone(), yes.clone(), start.clone()]),
            s(counting(), 2, vec![m.clone(), None, start.clone()]),
            s(counting(), 2, vec![None, yes.clone(), start.clone()]),
            s(counting(), 2, vec![m.clone(), scalar(DType::Bool, 0), start.clone()]),
            s(growing(), 1, vec![m.clone(), yes.clone(), start]),
            narrow(m, yes),
        ]
    }
}

/// Narrow elements carried and scanned.
fn narrow(trips: Option<Tensor>, go: Option<Tensor>) -> Sample {
    let x = sample_narrow(DType::F8E4M3FN);
    let body = || -> Result<Graph> {
        let mut g = Graph::new("body");
        g.add_input("i", Fact::new(DType::I64, []));
        let go = g.add_input("go", Fact::new(DType::Bool, []));
        let v = g.add_input("v", x.type_fact());
        let wide = g.apply("wide", "Cast", Attrs::new().with("to", DType::F32), &[v])?;
        let twice = g.apply("twice", "Add", Attrs::new(), &[wide, wide])?;
        let next = g.apply("next", "Cast", Attrs::new().with("to", DType::F8E4M3FN), &[twice])?;
        for (name, v) in [("go_on", go), ("doubled", next), ("seen", v)] {
            g.add_output(name, v);
        }
        Ok(g)
    };
    let attrs = body().map(|b| Attrs::new().with("body", b)).unwrap_or_default();
    Sample { attrs, x: vec![trips, go, Some(x)], outputs: 2 }
}

fn body() -> (Graph, [crate::Value; 4]) {
    let mut g = Graph::new("body");
    let i = g.add_input("i", Fact::new(DType::I64, []));
    let go = g.add_input("go", Fact::new(DType::Bool, []));
    let v = g.add_input("v", Fact::new(DType::F32, [2.into()]));
    let step = g.add_input("step", Fact::new(DType::F32, [2.into()]));
    (g, [i, go, v, step])
}

/// Adds the captured step and scans the sums, five times at most.
fn counting() -> Result<Graph> {
    let (mut g, [i, _, v, step]) = body();
    let next = g.apply("next", "Add", Attrs::new(), &[v, step])?;
    let four = g.add_const("four", Tensor::scalar(DType::I64, Num::I(4)));
    let go = g.apply("again", "Less", Attrs::new(), &[i, four])?;
    for (name, v) in [("go_on", go), ("sum", next), ("seen", v)] {
        g.add_output(name, v);
    }
    Ok(g)
}

/// Appends the captured step to a vector.
fn growing() -> Result<Graph> {
    let (mut g, [_, go, v, step]) = body();
    let next = g.apply("next", "Concat", Attrs::new().with("axis", 0i64), &[v, step])?;
    g.add_output("go_on", go);
    g.add_output("longer", next);
    Ok(g)
}
