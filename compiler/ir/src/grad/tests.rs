//! Every rule is compared with central differences of the operator's meaning, over the operator's own samples.

use super::{RULES, Tape, gradient, gradient_from};
use crate::{Attrs, DType, Fact, Graph, OpRef, Sample, Tensor, Value, interp, ops};

/// Half the distance of two points whose results are compared.
const STEP: f64 = 1e-6;

/// The sample in f64, away from zero and whole numbers where some operators have corners. `None` if it has no float
/// operand, or one that is not finite.
fn smooth(s: &Sample) -> Option<Sample> {
    let moved = |t: &Tensor| {
        let data: Vec<f64> = t.to_f64().into_iter().map(|v| v + 0.037).collect();
        Tensor::floats(DType::F64, t.shape(), &data)
    };
    let first = s.x.first()?.as_ref()?;
    let finite = s.x.iter().flatten().all(|t| t.to_f64().iter().all(|v| v.is_finite()));
    let float = s.x.iter().flatten().any(|t| t.dtype().is_float());
    if !finite || !float || first.is_empty() || (first.dtype() != DType::Bool && !first.dtype().is_float()) {
        return None;
    }
    let attrs = if s.attrs.get("to").is_some() { s.attrs.clone().with("to", DType::F64) } else { s.attrs.clone() };
    let x = s.x.iter().map(|t| t.as_ref().map(|t| if t.dtype().is_float() { moved(t) } else { t.clone() }));
    Some(Sample { attrs, x: x.collect(), outputs: 1 })
}

/// Weights of the results, none of them alike.
fn weights(y: &Tensor) -> Tensor {
    let weight = |(i, v): (usize, f64)| if v.is_finite() { 1.0 + (i as f64 * 0.7).sin() / 2.0 } else { 0.0 };
    Tensor::floats(DType::F64, y.shape(), &y.to_f64().into_iter().enumerate().map(weight).collect::<Vec<_>>())
}

/// Gradients of the weighed sum of the results with respect to the float operands, by the rules.
fn by_rules(op: OpRef, s: &Sample, w: &Tensor) -> crate::Result<Vec<Tensor>> {
    let mut g = Graph::new("g");
    let (mut x, mut open, mut given) = (vec![], vec![], vec![]);
    for (i, t) in s.x.iter().enumerate() {
        x.push(t.as_ref().map(|t| match t.dtype().is_float() {
            true => {
                let v = g.add_input(&format!("x{i}"), t.type_fact());
                open.push(v);
                given.push(t.clone());
                v
            }
            false => g.add_const(&format!("x{i}"), t.clone()),
        }));
    }
    let node = g.add_op("op", op, s.attrs.clone(), &x, 1)?;
    let dy = g.add_const("w", w.clone());
    let grads = gradient_from(&mut Tape::new(&mut g, "grad"), Value { node, port: 0 }, dy, &open)?;
    for (i, v) in grads.into_iter().enumerate() {
        assert_eq!(g.fact(v).shape, g.fact(open[i]).shape, "{op:?}: shape of gradient {i}");
        g.add_output(&format!("d{i}"), v);
    }
    crate::verify::verify(&g)?;
    interp::run(&g, &given)
}

fn eval(op: OpRef, s: &Sample) -> Tensor {
    let c = crate::Ctx { name: "op", attrs: &s.attrs, outputs: 1 };
    let x: Vec<Option<&Tensor>> = s.x.iter().map(Option::as_ref).collect();
    interp::eval(op.0, &c, &x).unwrap_or_else(|e| panic!("{op:?}: {e}")).remove(0)
}

/// The difference quotient of element `at` of operand `i`.
fn quotient(op: OpRef, s: &Sample, w: &Tensor, i: usize, at: usize) -> f64 {
    let beside = |by: f64| {
        let mut s = s.clone();
        let t = s.x[i].as_ref().unwrap();
        let mut data = t.to_f64();
        data[at] += by;
        s.x[i] = Some(Tensor::floats(DType::F64, t.shape(), &data));
        eval(op, &s).to_f64()
    };
    let (above, below) = (beside(STEP), beside(-STEP));
    let parts = above.iter().zip(&below).zip(w.to_f64());
    parts.filter(|((a, b), _)| a.is_finite() && b.is_finite()).map(|((a, b), w)| w * (a - b)).sum::<f64>()
        / (2.0 * STEP)
}

/// Elements of gradients that were compared.
fn check(op: OpRef, s: &Sample) -> usize {
    let w = weights(&eval(op, s));
    let grads = by_rules(op, s, &w).unwrap_or_else(|e| panic!("{op:?} {:?}: {e}", s.attrs));
    let floats = (0..s.x.len()).filter(|i| s.x[*i].as_ref().is_some_and(|t| t.dtype().is_float()));
    let mut compared = 0;
    for (i, grad) in floats.zip(grads) {
        for (at, d) in grad.to_f64().into_iter().enumerate().filter(|d| d.1.is_finite()) {
            let want = quotient(op, s, &w, i, at);
            let close = (d - want).abs() <= 1e-5 * (1.0 + want.abs());
            assert!(close, "{op:?} {:?}: gradient {i} is {d} at {at}, expected {want}", s.attrs);
            compared += 1;
        }
    }
    compared
}

#[test]
fn every_rule_is_the_derivative_of_the_meaning() {
    for (name, _) in RULES.iter().copied().flatten() {
        let op = ops::by_name(name).unwrap_or_else(|| panic!("no operator {name}"));
        let compared: usize = op.samples().iter().filter_map(smooth).map(|s| check(op, &s)).sum();
        assert!(compared > 0, "{name}: no sample could be compared");
    }
}

#[test]
fn rules_are_sorted_by_name() {
    for theme in RULES {
        assert!(theme.windows(2).all(|w| w[0].0 < w[1].0));
    }
}

fn input(g: &mut Graph, name: &str) -> Value {
    g.add_input(name, Fact::new(DType::F64, [2.into()]))
}

#[test]
fn operators_that_are_graphs_are_written_out() {
    for name in ["GroupNormalization", "LayerNormalization", "RMSNormalization"] {
        let op = ops::by_name(name).unwrap();
        let compared: usize = op.samples().iter().filter_map(smooth).map(|s| check(op, &s)).sum();
        assert!(compared > 0, "{name}: no sample could be compared");
    }
}

/// `y = x x + x`: three ways meet, none is one from `other`.
#[test]
fn ways_are_added_up() {
    let mut g = Graph::new("g");
    let (x, other) = (input(&mut g, "x"), input(&mut g, "other"));
    let square = g.apply("square", "Mul", Attrs::new(), &[x, x]).unwrap();
    let y = g.apply("y", "Add", Attrs::new(), &[square, x]).unwrap();
    let d = gradient(&mut g, "grad", y, &[x, other]).unwrap();
    g.set_outputs(vec![("dx".into(), d[0]), ("dother".into(), d[1])]);
    let given = [Tensor::floats(DType::F64, &[2], &[0.5, -1.0]), Tensor::floats(DType::F64, &[2], &[1.0, 1.0])];
    let got = interp::run(&g, &given).unwrap();
    assert_eq!(got[0].to_f64(), [2.0, -1.0]);
    assert_eq!(got[1].to_f64(), [0.0, 0.0]);
}

#[test]
fn operators_without_gradient_are_named() {
    let mut g = Graph::new("g");
    let x = input(&mut g, "x");
    let y = g.apply("whole", "Round", Attrs::new(), &[x]).unwrap();
    let e = gradient(&mut g, "grad", y, &[x]).unwrap_err();
    assert_eq!(e.to_string(), "node \"whole\" (Round): has no gradient");
}
