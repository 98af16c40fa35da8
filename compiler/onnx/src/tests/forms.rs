//! Sequences and optionals in files.

use super::*;
use dlc_ir::form::Items;
use dlc_ir::interp;

const NET: &str = "graph g {
  input s: seq f32[2,\"*\"]
  input o: opt seq i64[?]
  input x: f32[2,n]
  none = Optional() {type=seq f32[2]}: opt seq f32[-]
  more = SequenceInsert(s, x): seq f32[2,\"*\"]
  trips = SequenceLength(more): i64[]
  empty = SequenceEmpty() {dtype=1}: seq f32[-]
  all = Loop(trips, _, empty, more) {body=graph body {
    input i: i64[]
    input go: bool[]
    input sofar: seq f32[2,\"*\"]
    input outer: seq f32[2,\"*\"]
    one = SequenceAt(outer, i)
    neg = Neg(one)
    next = SequenceInsert(sofar, neg, i)
    output go_on = go
    output next = next
  }, captured=1}: seq f32[2,\"*\"]
  has = OptionalHasElement(o): bool[]
  output all = all
  output has = has
  output none = none
  output same = o
}";

#[test]
fn what_is_no_tensor_survives_the_round_trip() {
    let g = dlc_ir::text::parse(NET).unwrap_or_else(|e| panic!("{e}"));
    let bytes = crate::export(&g).unwrap();
    let h = load_bytes(bytes.into(), None, &LoadOptions::default()).unwrap().graph;
    dlc_ir::verify::verify(&h).unwrap();
    let types = |g: &dlc_ir::Graph| -> Vec<String> {
        let inputs = g.inputs().iter().map(|i| g.node(*i).outputs[0].to_string());
        inputs.chain(g.outputs().iter().map(|o| g.fact(o.1).to_string())).collect()
    };
    assert_eq!(types(&g), types(&h));
    let t = |n: usize, v: f32| Tensor::f32(&[2, n], &vec![v; 2 * n]);
    let s = Tensor::sequence(DType::F32, vec![t(1, 1.0), t(3, 2.0)]);
    for o in [Tensor::absent(DType::I64, true), Tensor::sequence(DType::I64, vec![Tensor::i64(&[], &[1])])] {
        let x = [s.clone(), o, t(2, 3.0)];
        let y = interp::run(&h, &x).unwrap();
        assert_eq!(y, interp::run(&g, &x).unwrap());
        assert_eq!(y[0], Tensor::sequence(DType::F32, vec![t(1, -1.0), t(3, -2.0), t(2, -3.0)]));
        assert!(matches!(y[2].items(), Some(Items::NoSequence)));
    }
}

#[test]
fn maps_are_refused_by_name() {
    let tensor = value("x", DType::I64, &["2"]).r#type.map(Box::new);
    let map = TypeValue::Map(Box::new(MapType { key_type: 7, value_type: tensor }));
    let of = |t: TypeValue| ElementType { elem_type: Some(Box::new(TypeProto { value: Some(t) })) };
    let sequence = TypeProto { value: Some(TypeValue::Sequence(Box::new(of(map)))) };
    let input = ValueInfoProto { name: "x".into(), r#type: Some(sequence) };
    let m = model(17, graph(vec![input], vec![node("Identity", &["x"], &["y"], vec![])], &["y"]));
    assert_eq!(load(&m).unwrap_err().to_string(), "inputs of type sequence of map (\"x\") are not supported");
    let zip = NodeProto { domain: "ai.onnx.ml".into(), ..node("ZipMap", &["x"], &["y"], vec![]) };
    let m = model(17, graph(vec![value("x", DType::F32, &["2", "3"])], vec![zip], &["y"]));
    let e = load(&m).unwrap_err().to_string();
    assert!(e.contains("list of maps") && e.contains("zipmap"), "{e}");
}

#[test]
fn a_tensor_where_a_sequence_is_needed_is_refused_and_the_reverse() {
    let x = || vec![value("x", DType::F32, &["2"])];
    let length = vec![node("SequenceLength", &["x"], &["y"], vec![])];
    let e = load(&model(17, graph(x(), length, &["y"]))).unwrap_err().to_string();
    assert!(e.ends_with("operand 0 is f32[2], expected a sequence"), "{e}");
    let relu = vec![node("SequenceConstruct", &["x"], &["s"], vec![]), node("Relu", &["s"], &["y"], vec![])];
    let e = load(&model(17, graph(x(), relu, &["y"]))).unwrap_err().to_string();
    assert!(e.ends_with("operand 0 is seq f32[2], expected a tensor"), "{e}");
}
