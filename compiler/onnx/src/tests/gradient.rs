//! `Gradient`.

use super::*;

fn names_attr(name: &str, v: &[&str]) -> AttributeProto {
    let strings = v.iter().map(|s| s.as_bytes().to_vec().into()).collect();
    AttributeProto { strings, r#type: attribute_type::STRINGS, ..attr(name) }
}

/// `y = a a b`, and its derivative with respect to `a` at the values `operands` give `a` and `b`.
fn derivative(operands: [&str; 2], y: &str) -> ModelProto {
    let vector = |name: &str| value(name, DType::F32, &["2"]);
    let attrs = vec![names_attr("xs", &["a"]), names_attr("zs", &["b"]), text("y", y)];
    let gradient = NodeProto {
        domain: "ai.onnx.preview.training".into(),
        name: "slope".into(),
        ..node("Gradient", &operands, &["da"], attrs)
    };
    let nodes =
        vec![gradient, node("Mul", &["a", "a"], &["square"], vec![]), node("Mul", &["square", "b"], &["y"], vec![])];
    model(13, graph(vec![vector("a"), vector("b"), vector("other")], nodes, &["da", "y"]))
}

#[test]
fn derivatives_are_taken_at_the_operands() {
    let given = [[1.0, 2.0], [5.0, 7.0], [10.0, 20.0]].map(|v| Tensor::f32(&[2], &v));
    let at_inputs = run(&derivative(["a", "b"], "y"), &given);
    assert_eq!(at_inputs[0], Tensor::f32(&[2], &[10.0, 28.0]));
    let elsewhere = run(&derivative(["other", "b"], "y"), &given);
    assert_eq!(elsewhere[0], Tensor::f32(&[2], &[100.0, 280.0]));
    assert_eq!(elsewhere[1], Tensor::f32(&[2], &[5.0, 28.0]));
}

#[test]
fn a_name_without_value_is_refused() {
    let e = load(&derivative(["a", "b"], "z")).unwrap_err().to_string();
    assert!(e.contains("slope") && e.contains("\"z\""), "{e}");
}
