//! Refused models made small.

use super::*;
use crate::minimize;
use std::ops::ControlFlow;

/// A deep model with an operator that does not exist in its middle, which takes a weight and attributes.
fn deep() -> ModelProto {
    let mut nodes = vec![node("Shape", &["x"], &["shape"], vec![])];
    let mut last = "x".to_string();
    for i in 0..30 {
        let (h, y) = (format!("h{i}"), format!("y{i}"));
        nodes.push(node("MatMul", &[&last, "w"], &[&h], vec![]));
        match i {
            17 => nodes.push(node("Telu", &[&h, "w"], &[&y], vec![float("alpha", 2.0), int("beta", 1)])),
            _ => nodes.push(node("Relu", &[&h], &[&y], vec![])),
        }
        last = y;
    }
    let mut g = graph(vec![value("x", DType::F32, &["n", "4"])], nodes, &[&last, "shape"]);
    g.initializer = vec![raw("w", &count(&[4, 4])), raw("unused", &count(&[8]))];
    model(17, g)
}

fn small(m: &ModelProto) -> (ModelProto, usize) {
    let (wanted, mut tries) = (error(m), 0);
    let kind = |e: &str| e.split(": ").nth(1).map(String::from);
    let bytes = minimize(m.encode_to_vec().into(), None, &LoadOptions::default(), &mut |bytes| {
        tries += 1;
        let found = load_bytes(bytes.to_vec().into(), None, &LoadOptions::default());
        ControlFlow::Continue(found.is_err_and(|e| kind(&e.to_string()) == kind(&wanted)))
    });
    (ModelProto::decode(&bytes.unwrap()[..]).unwrap(), tries)
}

#[test]
fn a_refused_operator_is_left_alone() {
    let (m, tries) = small(&deep());
    let g = m.graph.as_ref().unwrap();
    assert_eq!(g.node.iter().map(|n| &*n.op_type).collect::<Vec<_>>(), ["Telu"]);
    assert!(g.node[0].attribute.is_empty() && g.initializer.is_empty(), "{g:?}");
    assert!(error(&m).contains("operator Telu of domain ai.onnx (opset 17) is not supported"), "{}", error(&m));
    assert_eq!(g.input.iter().map(|v| &*v.name).collect::<Vec<_>>(), ["h17", "w"]);
    assert!(tries < 30, "{tries}");
}

#[test]
fn what_an_operator_refuses_keeps_what_it_is_refused_for() {
    let mut m = deep();
    let nodes = &mut m.graph.as_mut().unwrap().node;
    nodes.retain(|n| n.op_type != "Telu");
    nodes.insert(5, node("Transpose", &["y1"], &["t"], vec![ints("perm", &[0, 1, 2])]));
    for n in nodes.iter_mut().flat_map(|n| &mut n.input).filter(|i| **i == "y17") {
        *n = "h17".into();
    }
    let (m, _) = small(&m);
    let g = m.graph.as_ref().unwrap();
    assert_eq!((g.node.len(), g.node[0].attribute.len(), g.input.len()), (1, 1, 1), "{g:?}");
    assert!(error(&m).contains("(Transpose)"), "{}", error(&m));
}
