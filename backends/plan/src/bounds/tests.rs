//! Over the samples of every operator: with operands of other sizes than the operator expects, either a condition does
//! not hold or every access stays inside. The interpreter of lowerings refuses the others by name.

use super::asserts;
use crate::Body;
use dlc_ir::lower::{Comp, E, Expr, Lowering, SUM, Ty, eval};
use dlc_ir::ops::OPS;
use dlc_ir::{Ctx, Dim, Fact, Op, Sample, Tensor};
use std::collections::HashMap;

/// Facts of which every size above 1 is a symbol of its own. Small integer vectors are constants.
fn facts(op: &dyn Op, s: &Sample) -> Vec<Option<Fact>> {
    let one = |(i, t): (usize, &Tensor)| {
        let constant = !t.dtype().is_float() && t.rank() <= 1 && t.len() <= 16;
        if constant || op.constant_sizes().contains(&i) {
            return if constant { t.fact() } else { t.type_fact() };
        }
        let dim = |(a, d): (usize, &usize)| if *d > 1 { Dim::sym(&format!("x{i}_{a}")) } else { Dim::from(*d) };
        Fact::new(t.dtype(), t.shape().iter().enumerate().map(dim))
    };
    s.x.iter().enumerate().map(|(i, t)| t.as_ref().map(|t| one((i, t)))).collect()
}

/// A tensor with one axis a little shorter or longer: elements are repeated.
fn resized(t: &Tensor, axis: usize, by: i64) -> Tensor {
    let mut shape = t.shape().to_vec();
    shape[axis] = (shape[axis] as i64 + by).max(0) as usize;
    let n = shape.iter().product();
    Tensor::new(t.dtype(), &shape, (0..n).map(|i| t.at(i % t.len())))
}

/// Symbols that the operands' sizes give.
fn bound(facts: &[Option<Fact>], x: &[Option<Tensor>]) -> HashMap<String, i64> {
    let mut env = HashMap::new();
    for (f, t) in facts.iter().zip(x).filter_map(|(f, t)| f.as_ref().zip(t.as_ref())) {
        for (d, n) in f.shape.iter().zip(t.shape()) {
            env.extend(d.as_sym().map(|s| (s.to_string(), *n as i64)));
        }
    }
    env
}

/// What a lowering computes as the bodies of steps.
fn bodies(l: &Lowering, y: &[Fact]) -> Vec<Body> {
    match l {
        Lowering::Comps(c) => c.iter().cloned().map(Body::Comp).collect(),
        Lowering::Contract(c) => {
            let epilogue = Expr::reg(SUM, c.acc).cast(Ty::of(c.dtype));
            vec![Body::Contract { contract: c.clone(), epilogue, dtype: c.dtype }]
        }
        Lowering::Proc(p) => {
            vec![Body::Proc { body: p.clone(), shapes: y.iter().map(|f| f.shape.clone()).collect() }]
        }
        _ => vec![],
    }
}

fn hold(bodies: &[Body], env: &HashMap<String, i64>) -> bool {
    let value = |d: &Dim| d.eval(&|s| env.get(s).copied());
    let all = bodies.iter().flat_map(|b| asserts(b, "node"));
    all.into_iter().all(|a| matches!((value(&a.left), value(&a.right)), (Ok(l), Ok(r)) if l <= r))
}

/// What is wrong with an operator's lowering when one axis of an operand is not what it should be.
fn check(op: &dyn Op, s: &Sample, facts: &[Option<Fact>], changed: Option<(usize, usize, i64)>) -> Option<String> {
    let c = Ctx { name: "node", attrs: &s.attrs, outputs: s.outputs };
    let f: Vec<_> = facts.iter().map(Option::as_ref).collect();
    let y = op.infer(&c, &f).ok()?;
    let l = op.lowering(&c, &f, &y).ok()?;
    let mut x = s.x.clone();
    if let Some((i, axis, by)) = changed {
        x[i] = x[i].as_ref().map(|t| resized(t, axis, by));
    }
    let mut env = bound(facts, &x);
    let bodies = bodies(&l, &y);
    if bodies.is_empty() {
        return None;
    }
    match hold(&bodies, &env) {
        false if changed.is_none() => Some("a condition does not hold for a sample".into()),
        false => None,
        true => {
            let x: Vec<_> = x.iter().map(Option::as_ref).collect();
            let e = eval::run(&l, &x, &y, &mut env).err()?.to_string();
            e.contains("outside of shape").then_some(e)
        }
    }
}

/// All operators of which sizes are not looked after, with an example each.
fn unsafe_operators() -> Vec<String> {
    let mut wrong = vec![];
    for op in OPS {
        let mut all = vec![];
        for s in op.samples() {
            let facts = facts(*op, &s);
            let mut changes = vec![None];
            for (i, f) in facts.iter().enumerate() {
                let axes = f.iter().flat_map(|f| f.shape.iter().enumerate()).filter(|(_, d)| d.as_sym().is_some());
                changes.extend(axes.flat_map(|(a, _)| [-1, 1].map(|by| Some((i, a, by)))));
            }
            all.extend(changes.into_iter().filter_map(|c| check(*op, &s, &facts, c).map(|e| format!("{c:?}: {e}"))));
        }
        wrong.extend(all.first().map(|e| format!("{}: {} cases, e.g. {e}", op.name(), all.len())));
    }
    wrong
}

#[test]
fn no_operand_of_another_size_leads_outside() {
    let wrong = unsafe_operators();
    assert!(wrong.is_empty(), "{} operators:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_condition_names_the_node_and_the_sizes() {
    let x = |s: &[&str]| {
        Some(Fact::new(dlc_ir::DType::F32, s.iter().map(|s| s.parse().map_or(Dim::sym(s), |n: i64| n.into()))))
    };
    let facts = [x(&["t", "b", "1", "12"]), x(&["1", "1", "k", "4", "3"])];
    let f: Vec<_> = facts.iter().map(Option::as_ref).collect();
    let attrs = dlc_ir::Attrs::new().with("cell", "LSTM");
    let op = dlc_ir::ops::by_name("dlc.Recurrence").unwrap();
    let c = Ctx { name: "rnn", attrs: &attrs, outputs: 1 };
    let y = op.infer(&c, &f).unwrap();
    let l = op.lowering(&c, &f, &y).unwrap();
    let found: Vec<String> = bodies(&l, &y).iter().flat_map(|b| asserts(b, "rnn")).map(|a| a.message).collect();
    assert_eq!(
        found,
        [
            "node \"rnn\": an axis of size 3 does not fit: expected k - 1 <= 2",
            "node \"rnn\": an axis of size 3 does not fit: expected 3 <= k"
        ]
    );
}

#[test]
fn an_index_that_a_condition_is_about_is_not_looked_at() {
    let x = Fact::new(dlc_ir::DType::F32, [Dim::sym("m")]);
    let v = Expr::var(0);
    let guarded =
        v.lt(&Expr::size(&Dim::sym("m"))).select(&Expr::load(0, &x, vec![v.clone()]), &Expr::num(Ty::F32, 0.0));
    let y = Fact::new(dlc_ir::DType::F32, [Dim::sym("n")]);
    assert!(matches!(*guarded, E::Select(..)));
    assert!(asserts(&Body::Comp(Comp::new(&y, guarded)), "node").is_empty());
    let free = Expr::load(0, &x, vec![v]);
    assert_eq!(asserts(&Body::Comp(Comp::new(&y, free)), "node").len(), 1);
}
