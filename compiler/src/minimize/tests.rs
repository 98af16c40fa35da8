//! Failures put into graphs, found again.

use super::*;
use crate::random::random;
use dlc_ir::{DType, Graph, interp, text};

/// A chain with a branch: 20 operators, weights, and two outputs.
fn deep() -> Case {
    let mut s = String::from("graph deep {\n  input x: f32[batch,6]\n  w = const f32[6,6] {");
    s += &(0..36).map(|i| format!("{:.1}", f64::from(i % 5) - 1.5)).collect::<Vec<_>>().join(", ");
    s += "}\n";
    let mut last = "x".to_string();
    for i in 0..6 {
        s += &format!("  m{i} = MatMul({last}, w): f32[batch,6]\n  t{i} = Tanh(m{i}): f32[batch,6]\n");
        s += &format!("  a{i} = Add(t{i}, {last}): f32[batch,6]\n");
        last = format!("a{i}");
    }
    s += &format!("  side = Exp(t2): f32[batch,6]\n  end = Softmax({last}): f32[batch,6]\n");
    s += "  output y = end\n  output z = side\n}\n";
    Case { graph: text::parse(&s).unwrap(), inputs: vec![random(DType::F32, &[4, 6], 3)] }
}

fn names(g: &Graph) -> Vec<String> {
    g.nodes().filter(|id| g.node(*id).op().is_some()).map(|id| g.node(id).op_name()).collect()
}

fn is_there(g: &Graph, op: &str) -> bool {
    names(g).iter().any(|n| n == op)
}

#[test]
fn an_operator_that_fails_is_left_alone() {
    let small = minimize(deep(), &mut |c| ControlFlow::Continue(is_there(&c.graph, "Exp")));
    assert_eq!(names(&small.graph), ["Exp"]);
    assert_eq!(small.inputs[0].shape(), [1, 1], "sizes are cut too");
    dlc_ir::verify::verify(&small.graph).unwrap();
    assert!(interp::run(&small.graph, &small.inputs).is_ok());
}

#[test]
fn a_wrong_rewrite_is_left_with_what_it_needs() {
    // A rule that takes the sum of a tangent and anything for the tangent alone.
    let wrong = |g: &mut Graph| {
        for id in g.nodes().collect::<Vec<_>>() {
            let tanh = g.operands(id).into_iter().flatten().find(|v| g.node(v.node).op_name() == "Tanh");
            if let ("Add", Some(tanh)) = (&*g.node(id).op_name(), tanh) {
                g.replace(dlc_ir::Value { node: id, port: 0 }, tanh);
            }
        }
    };
    let small = minimize(deep(), &mut |c| {
        let mut g = c.graph.clone();
        wrong(&mut g);
        let (a, b) = (interp::run(&c.graph, &c.inputs), interp::run(&g, &c.inputs));
        let differ = |(a, b): (&dlc_ir::Tensor, &dlc_ir::Tensor)| crate::Difference::of(a, b).unwrap().rel_l2 > 1e-3;
        ControlFlow::Continue(a.unwrap().iter().zip(&b.unwrap()).any(differ))
    });
    assert_eq!(names(&small.graph), ["Tanh", "Add"]);
    assert!(small.inputs.iter().all(|t| t.len() == 1), "{:?}", small.inputs);
}

#[test]
fn a_size_that_does_not_fit_when_run_is_found() {
    let mut graph = Graph::new("sizes");
    let dim = |s: &str| dlc_ir::Fact::new(DType::F32, [dlc_ir::Dim::sym(s), 3.into()]);
    let (a, b) = (graph.add_input("a", dim("n")), graph.add_input("b", dim("m")));
    let mut apply = |name: &str, op: &str, x: &[dlc_ir::Value]| {
        let attrs = if op == "Concat" { dlc_ir::Attrs::new().with("axis", 0) } else { dlc_ir::Attrs::new() };
        graph.apply(name, op, attrs, x).unwrap()
    };
    let (ea, eb) = (apply("ea", "Exp", &[a]), apply("eb", "Exp", &[b]));
    let both = apply("c", "Concat", &[ea, eb]);
    let (d, product) = (apply("d", "Tanh", &[both]), apply("s", "Mul", &[ea, eb]));
    let t = apply("t", "Abs", &[product]);
    graph.add_output("y", d);
    graph.add_output("z", t);
    let inputs = vec![random(DType::F32, &[2, 3], 1), random(DType::F32, &[5, 3], 2)];
    let of = |c: &Case| match interp::run(&c.graph, &c.inputs) {
        Ok(_) => None,
        Err(e) => Some(Symptom::new(Kind::Reference, None, &e.to_string())),
    };
    let start = Case { graph, inputs };
    let wanted = of(&start).unwrap();
    assert_eq!(wanted.operator.as_deref(), Some("Mul"));
    let small = minimize(start, &mut |c| ControlFlow::Continue(of(c).as_ref() == Some(&wanted)));
    assert_eq!(names(&small.graph), ["Mul"]);
}

#[test]
fn a_search_that_is_stopped_gives_the_best_so_far() {
    let mut left = 4;
    let small = minimize(deep(), &mut |c| {
        left -= 1;
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(is_there(&c.graph, "Softmax")) }
    });
    assert!(is_there(&small.graph, "Softmax") && names(&small.graph).len() < 20);
}

/// A loop of two iterations whose body has a branch: operators in all three graphs.
fn nested() -> Case {
    use dlc_ir::{Attrs, Fact, Num, Tensor, Value, ops};
    let vector = || Fact::new(DType::F32, [3.into()]);
    let branch = |names: &[&str]| {
        let mut g = Graph::new("branch");
        let mut v = g.add_input("c", vector());
        for name in names {
            v = g.apply(name, name, Attrs::new(), &[v]).unwrap();
        }
        g.add_output("t", v);
        g
    };
    let mut body = Graph::new("body");
    body.add_input("i", Fact::new(DType::I64, []));
    let cond = body.add_input("cond", Fact::new(DType::Bool, []));
    let (v, more) = (body.add_input("v", vector()), body.add_input("more", vector()));
    let go = body.apply("go", "Identity", Attrs::new(), &[cond]).unwrap();
    let a = body.apply("a", "Sin", Attrs::new(), &[v]).unwrap();
    let attrs = Attrs::new().with("then_branch", branch(&["Abs", "Exp", "Neg"])).with("else_branch", branch(&["Cos"]));
    let op = |name: &str| ops::by_name(name).unwrap();
    let node = body.add_op("choice", op("If"), attrs, &[Some(cond), Some(a)], 1).unwrap();
    let sum = body.apply("sum", "Add", Attrs::new(), &[Value { node, port: 0 }, more]).unwrap();
    body.add_output("go", go);
    body.add_output("next", sum);
    let mut g = Graph::new("nested");
    let (x, y) = (g.add_input("x", vector()), g.add_input("y", vector()));
    let x = g.apply("before", "Tanh", Attrs::new(), &[x]).unwrap();
    let y = g.apply("aside", "Erf", Attrs::new(), &[y]).unwrap();
    let trips = g.add_const("trips", Tensor::scalar(DType::I64, Num::I(2)));
    let attrs = Attrs::new().with("body", body).with("captured", 1i64);
    let node = g.add_op("again", op("Loop"), attrs, &[Some(trips), None, Some(x), Some(y)], 1).unwrap();
    let z = g.apply("after", "Ceil", Attrs::new(), &[Value { node, port: 0 }]).unwrap();
    g.add_output("z", z);
    Case { graph: g, inputs: vec![random(DType::F32, &[3], 1), random(DType::F32, &[3], 2)] }
}

/// The operators of a graph and of the graphs inside of it.
fn all_names(g: &Graph) -> Vec<String> {
    let bodies = g.nodes().filter_map(|id| g.node(id).op()).flat_map(|(_, attrs)| attrs.iter());
    let inner = bodies.flat_map(|a| if let dlc_ir::Attr::Graph(b) = a.1 { all_names(b) } else { vec![] });
    names(g).into_iter().chain(inner).collect()
}

#[test]
fn a_graph_inside_of_others_is_left_alone() {
    let fails = |c: &Case| all_names(&c.graph).iter().any(|n| n == "Exp");
    let small = minimize(nested(), &mut |c| ControlFlow::Continue(fails(c)));
    assert_eq!(all_names(&small.graph), ["Exp"]);
    assert!(interp::run(&small.graph, &small.inputs).is_ok());
}

#[test]
fn a_graph_that_must_stay_inside_becomes_small() {
    let fails = |c: &Case| {
        let all = all_names(&c.graph);
        is_there(&c.graph, "Loop") && ["If", "Exp"].iter().all(|n| all.iter().any(|m| m == n))
    };
    let small = minimize(nested(), &mut |c| ControlFlow::Continue(fails(c)));
    assert_eq!(all_names(&small.graph), ["Loop", "If", "Exp"]);
    dlc_ir::verify::verify(&small.graph).unwrap();
    assert!(interp::run(&small.graph, &small.inputs).is_ok());
}
