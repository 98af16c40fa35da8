//! Graphs written and read again mean the same.

use super::*;
use dlc_ir::{Attrs, Graph};

fn again(g: &Graph) -> Graph {
    let bytes = crate::export(g).unwrap_or_else(|e| panic!("{}: {e}", g.name));
    load_bytes(bytes.into(), None, &LoadOptions::default()).unwrap_or_else(|e| panic!("{}: {e}", g.name)).graph
}

fn facts(g: &Graph) -> Vec<String> {
    let inputs = g.inputs().iter().map(|i| format!("{} {}", g.node(*i).name, g.node(*i).outputs[0]));
    inputs.chain(g.outputs().iter().map(|(n, v)| format!("{n} {}", g.fact(*v)))).collect()
}

#[test]
fn every_network_survives_the_round_trip() {
    for m in dlc_models::MODELS {
        let g = (m.build)(5);
        let h = again(&g);
        dlc_ir::verify::verify(&h).unwrap_or_else(|e| panic!("{}: {e}", m.name));
        assert_eq!(facts(&g), facts(&h), "{}", m.name);
        let x = dlc_models::inputs(&g, 2, &|s| if s == "batch" { 1 } else { 2 }).unwrap();
        let run = |g: &Graph| dlc_ir::interp::run(g, &x).unwrap_or_else(|e| panic!("{}: {e}", m.name));
        assert_eq!(run(&g), run(&h), "{}", m.name);
        assert_eq!(crate::export(&h).unwrap(), crate::export(&again(&h)).unwrap(), "{}", m.name);
    }
}

#[test]
fn outputs_may_be_inputs_constants_or_one_value_twice() {
    let mut g = Graph::new("g");
    let x = g.add_input("x", dlc_ir::Fact::new(DType::F32, [2.into()]));
    let c = g.add_const("c", count(&[2]));
    let y = g.apply("y", "Relu", Default::default(), &[x]).unwrap();
    for (name, v) in [("x", x), ("copy", x), ("constant", c), ("a", y), ("b", y)] {
        g.add_output(name, v);
    }
    let h = again(&g);
    let names: Vec<&str> = h.outputs().iter().map(|o| o.0.as_str()).collect();
    assert_eq!(names, ["x", "copy", "constant", "a", "b"]);
    let x = [Tensor::f32(&[2], &[-1.0, 1.0])];
    assert_eq!(dlc_ir::interp::run(&g, &x).unwrap(), dlc_ir::interp::run(&h, &x).unwrap());
}

#[test]
fn strings_survive_the_round_trip() {
    let mut g = Graph::new("g");
    let x = g.add_input("x", dlc_ir::Fact::new(DType::Str, [2.into()]));
    let c = g.add_const("c", Tensor::of_strings(&[2], ["", "\u{e9}t\u{e9}"]));
    let y = g.apply("y", "StringConcat", Default::default(), &[x, c]).unwrap();
    let table = Attrs::new().with("keys_tensor", Tensor::of_strings(&[1], ["a"])).with("values_int64s", vec![7i64]);
    let z = g.apply("z", "ai.onnx.ml.LabelEncoder", table, &[y]).unwrap();
    g.add_output("y", y);
    g.add_output("z", z);
    let h = again(&g);
    let x = [Tensor::of_strings(&[2], ["a", "b"])];
    let run = |g: &Graph| dlc_ir::interp::run(g, &x).unwrap();
    assert_eq!(run(&g), run(&h));
    assert_eq!(run(&h)[0], Tensor::of_strings(&[2], ["a", "b\u{e9}t\u{e9}"]));
    assert_eq!(run(&h)[1].to_i64(), [7, -1]);
}

#[test]
fn loops_keep_what_they_capture() {
    let body = graph(
        vec![value("i", DType::I64, &[]), value("go", DType::Bool, &[]), value("acc", DType::F32, &["?"])],
        vec![node("Add", &["acc", "x"], &["next"], vec![]), node("Relu", &["next"], &["seen"], vec![])],
        &["go", "next", "seen"],
    );
    let nodes = vec![
        node("Constant", &[], &["trips"], vec![int("value_int", 3)]),
        node("Neg", &["x"], &["start"], vec![]),
        node("Loop", &["trips", "", "start"], &["last", "all"], vec![graph_attr("body", body)]),
    ];
    let m = model(13, graph(vec![value("x", DType::F32, &["2"])], nodes, &["last", "all"]));
    let g = load(&m).unwrap().graph;
    let x = [Tensor::f32(&[2], &[-1.0, 1.0])];
    assert_eq!(dlc_ir::interp::run(&g, &x).unwrap(), dlc_ir::interp::run(&again(&g), &x).unwrap());
}

#[test]
fn constants_of_every_type_survive() {
    let mut g = Graph::new("g");
    let mut given = vec![];
    for (dtype, name, _) in dlc_ir::dtype::DTYPES.iter().filter(|d| d.0 != DType::Str) {
        for n in [1usize, 5, 8] {
            let v: Vec<f64> = (0..n).map(|i| (i % 2) as f64).collect();
            let t = Tensor::floats(*dtype, &[n], &v);
            let c = g.add_const(&format!("{name}/{n}"), t.clone());
            g.add_output(&format!("{name}/{n}/out"), c);
            given.push(t);
        }
    }
    assert_eq!(dlc_ir::interp::run(&again(&g), &[]).unwrap(), given);
}
