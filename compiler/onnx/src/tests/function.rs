//! Functions of the model.

use super::*;

fn scaled(body: Vec<NodeProto>) -> FunctionProto {
    FunctionProto {
        name: "Scaled".into(),
        domain: "local".into(),
        input: names(&["a", "b"]),
        output: names(&["c"]),
        attribute: names(&["by"]),
        attribute_proto: vec![float("offset", 1.0)],
        node: body,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 13 }],
        ..Default::default()
    }
}

fn reference(name: &str, to: &str) -> AttributeProto {
    AttributeProto { ref_attr_name: to.into(), r#type: attribute_type::FLOAT, ..attr(name) }
}

fn call(op: &str, input: &[&str], output: &str, attribute: Vec<AttributeProto>) -> NodeProto {
    NodeProto { domain: "local".into(), ..node(op, input, &[output], attribute) }
}

fn with(functions: Vec<FunctionProto>, nodes: Vec<NodeProto>) -> ModelProto {
    let m = model(13, graph(vec![value("x", DType::F32, &["2"])], nodes, &["y"]));
    ModelProto { functions, ..m }
}

#[test]
fn calls_are_expanded_with_their_attributes() {
    let body = vec![
        node("Constant", &[], &["k"], vec![reference("value_float", "by")]),
        node("Constant", &[], &["o"], vec![reference("value_float", "offset")]),
        node("Mul", &["a", "k"], &["m"], vec![]),
        node("Add", &["m", "o"], &["c"], vec![]),
    ];
    let nodes = vec![
        call("Scaled", &["x"], "t", vec![float("by", 10.0)]),
        call("Scaled", &["t"], "y", vec![float("by", 2.0), float("offset", 0.5)]),
    ];
    let y = run(&with(vec![scaled(body)], nodes), &[count(&[2])]);
    assert_eq!(y, [Tensor::f32(&[2], &[2.5, 22.5])]);
}

#[test]
fn a_function_that_calls_itself_is_refused() {
    let body = vec![call("Scaled", &["a"], "c", vec![])];
    let e = error(&with(vec![scaled(body)], vec![call("Scaled", &["x"], "y", vec![])]));
    assert!(e.contains("nested more than"), "{e}");
}

/// Twenty functions, each of which calls the one before it ten times.
#[test]
fn an_explosion_of_calls_is_refused() {
    let name = |i: usize| format!("F{i}");
    let level = |i: usize| {
        let mut f = scaled(vec![]);
        f.name = name(i);
        f.input = names(&["a"]);
        f.node = (0..10).map(|k| call(&name(i - 1), &["a"], &format!("v{k}"), vec![])).collect();
        f.output = names(&["v0"]);
        f
    };
    let mut leaf = scaled(vec![]);
    leaf.name = name(0);
    leaf.input = names(&["a"]);
    leaf.output = names(&["a"]);
    let functions = std::iter::once(leaf).chain((1..20).map(level)).collect();
    let m = with(functions, vec![call(&name(19), &["x"], "y", vec![])]);
    let opts = LoadOptions { nodes: 10_000, ..Default::default() };
    let e = load_bytes(m.encode_to_vec().into(), None, &opts).unwrap_err().to_string();
    assert!(e.contains("more nodes than are allowed"), "{e}");
}
