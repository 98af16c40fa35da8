//! Control flow.

use crate::builder::Builder;
use dlc_ir::{Attrs, DType, Fact, Graph, Num, Tensor, Value};

/// A graph of some unary operators on an input of this fact.
fn chain(b: &mut Builder, fact: &Fact) -> Option<Graph> {
    let mut g = Graph::new("branch");
    let mut v = g.add_input("a", fact.clone());
    for i in 0..b.draw.range(1, 3) {
        let op = b.draw.pick(&["Relu", "Neg", "Tanh", "Abs", "Sigmoid", "Identity"]);
        v = g.apply(&format!("n{i}"), op, Attrs::new(), &[v]).ok()?;
    }
    g.add_output("r", v);
    Some(g)
}

pub fn branch(b: &mut Builder) -> Option<()> {
    let x = b.of(DType::F32, 0, 3);
    let fact = b.graph.fact(x).type_only();
    let (then, els) = (chain(b, &fact)?, chain(b, &fact)?);
    let yes = Tensor::scalar(DType::Bool, Num::from(b.draw.chance(50)));
    let cond = if b.draw.chance(30) { b.constant(yes) } else { b.input(yes) };
    let attrs = Attrs::new().with("then_branch", then).with("else_branch", els);
    b.op("If", attrs, &[Some(cond), Some(x)], 1).map(drop)
}

/// `for i in 0..trips { state = f(state) + step; scan = state }`.
pub fn repeat(b: &mut Builder) -> Option<()> {
    let x = b.of(DType::F32, 0, 3);
    let fact = b.graph.fact(x).type_only();
    let step = b.fresh(DType::F32, &b.shape(x).clone());
    let step_fact = b.graph.fact(step).type_only();
    let mut g = Graph::new("body");
    g.add_input("i", Fact::new(DType::I64, []));
    let cond = g.add_input("c", Fact::new(DType::Bool, []));
    let state = g.add_input("s", fact);
    let add = g.add_input("d", step_fact);
    let op = b.draw.pick(&["Tanh", "Neg", "Sigmoid"]);
    let t = g.apply("t", op, Attrs::new(), &[state]).ok()?;
    let next = g.apply("n", "Add", Attrs::new(), &[t, add]).ok()?;
    let scan = b.draw.chance(50);
    let out: Vec<(String, Value)> = [("c", cond), ("n", next), ("y", t)].map(|(n, v)| (n.to_string(), v)).to_vec();
    g.set_outputs(out[..if scan { 3 } else { 2 }].to_vec());
    let trips = b.draw.range(0, 4);
    let trips = if scan { trips.max(1) } else { trips };
    let trips = Tensor::i64(&[], &[trips]);
    let trips = if b.draw.chance(60) { b.constant(trips) } else { b.input(trips) };
    let attrs = Attrs::new().with("body", g).with("captured", 1i64);
    b.op("Loop", attrs, &[Some(trips), None, Some(x), Some(step)], if scan { 2 } else { 1 }).map(drop)
}
