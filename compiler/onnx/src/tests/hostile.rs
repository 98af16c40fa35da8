//! Damaged files give an error and never a panic.

use super::*;

/// A model with a bit of everything.
fn sample() -> Vec<u8> {
    let then = graph(vec![], vec![node("Relu", &["h"], &["t"], vec![])], &["t"]);
    let els = graph(vec![], vec![node("Neg", &["h"], &["e"], vec![])], &["e"]);
    let branches = vec![graph_attr("then_branch", then), graph_attr("else_branch", els)];
    let attrs =
        vec![ints("pads", &[1, 1, 1, 1]), ints("strides", &[2, 2]), text("auto_pad", "NOTSET"), int("group", 1)];
    let mut g = graph(
        vec![value("x", DType::F32, &["batch", "2", "5", "5"]), value("flag", DType::Bool, &[])],
        vec![
            node("Conv", &["x", "w"], &["c"], attrs),
            node("Softmax", &["c"], &["s"], vec![int("axis", 1)]),
            node("Constant", &[], &["k"], vec![floats("value_floats", &[1.0])]),
            node("Mul", &["s", "k"], &["h"], vec![]),
            node("If", &["flag"], &["y"], branches),
        ],
        &["y"],
    );
    g.initializer.push(raw("w", &count(&[3, 2, 3, 3])));
    g.sparse_initializer.push(SparseTensorProto {
        values: Some(raw("unused", &count(&[2]))),
        indices: Some(raw("", &Tensor::i64(&[2], &[1, 3]))),
        dims: vec![2, 3],
    });
    model(11, g).encode_to_vec()
}

fn survives(bytes: Vec<u8>) {
    if let Ok(m) = load_bytes(bytes.into(), None, &LoadOptions::default()) {
        let _ = dlc_ir::verify::verify(&m.graph);
    }
}

#[test]
fn every_truncation_is_survived() {
    let whole = sample();
    assert!(load_bytes(whole.clone().into(), None, &LoadOptions::default()).is_ok());
    for n in 0..whole.len() {
        survives(whole[..n].to_vec());
    }
}

#[test]
fn every_flipped_bit_is_survived() {
    let whole = sample();
    for i in 0..whole.len() {
        for bit in 0..8 {
            let mut damaged = whole.clone();
            damaged[i] ^= 1 << bit;
            survives(damaged);
        }
    }
}

#[test]
fn sizes_that_overflow_are_refused() {
    let t = |dims: &[i64]| TensorProto { name: "t".into(), dims: dims.to_vec(), data_type: 1, ..Default::default() };
    let refused = |dims: &[i64], what: &str| {
        let e = crate::tensor_from_bytes(t(dims).encode_to_vec().into()).unwrap_err().to_string();
        assert!(e.contains(what), "{e}");
    };
    refused(&[i64::MAX, 4], "overflow");
    refused(&[1 << 40], "0 bytes of data");
    refused(&[-1], "negative size");
    let sparse = SparseTensorProto {
        values: Some(raw("s", &count(&[1]))),
        indices: Some(raw("", &Tensor::i64(&[1], &[7]))),
        dims: vec![1 << 20, 1 << 20],
    };
    let mut g = graph(vec![], vec![], &[]);
    g.sparse_initializer.push(SparseTensorProto { dims: vec![7], ..sparse.clone() });
    assert!(error(&model(13, g.clone())).contains("position 7 is outside"));
    g.sparse_initializer[0] = sparse;
    assert!(error(&model(13, g)).contains("too large"));
}

#[test]
fn deep_nesting_is_refused() {
    let mut g = graph(vec![], vec![node("Relu", &["x"], &["t"], vec![])], &["t"]);
    for _ in 0..200 {
        let attrs =
            vec![graph_attr("then_branch", g.clone()), graph_attr("else_branch", graph(vec![], vec![], &["x"]))];
        g = graph(vec![], vec![node("If", &["flag"], &["t"], attrs)], &["t"]);
    }
    let m = model(13, GraphProto { input: vec![value("x", DType::F32, &["2"]), value("flag", DType::Bool, &[])], ..g });
    assert!(error(&m).contains("nested more than"), "{}", error(&m));
}
