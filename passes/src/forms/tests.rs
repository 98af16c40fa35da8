use super::*;
use dlc_ir::{DType, Dim, OpRef, Sample, Tensor, interp, ops};

const OPERATORS: &[&str] = &[
    "ConcatFromSequence",
    "Identity",
    "Optional",
    "OptionalGetElement",
    "OptionalHasElement",
    "SequenceAt",
    "SequenceConstruct",
    "SequenceEmpty",
    "SequenceErase",
    "SequenceInsert",
    "SequenceLength",
    "SplitToSequence",
];

/// A sample as a model: integers are constants or inputs; sizes of tensors are constants or symbols.
fn model(op: OpRef, s: &Sample, constants: bool, symbols: bool) -> (Graph, Vec<Tensor>) {
    let (mut g, mut x, mut inputs) = (Graph::new("g"), vec![], vec![]);
    for (i, t) in s.x.iter().enumerate() {
        x.push(t.as_ref().map(|t| {
            if constants && t.items().is_none() && t.dtype() == DType::I64 {
                return g.add_const(&format!("c{i}"), t.clone());
            }
            let mut f = t.type_fact();
            if symbols && f.form.is_dense() {
                f.shape = t.shape().iter().map(|d| Dim::sym(&format!("s{d}"))).collect();
            }
            inputs.push(t.clone());
            g.add_input(&format!("x{i}"), f)
        }));
    }
    let node = g.add_op("y", op, s.attrs.clone(), &x, s.outputs).unwrap();
    g.add_output("y", Value { node, port: 0 });
    (g, inputs)
}

#[test]
fn what_is_written_as_tensors_means_the_same() {
    for name in OPERATORS {
        let op = ops::by_name(name).unwrap();
        for (i, s) in op.samples().iter().enumerate() {
            for (constants, symbols) in [(true, false), (false, false), (false, true)] {
                let what = format!("{name} sample {i}, constants {constants}, symbols {symbols}");
                let (mut g, x) = model(op, s, constants, symbols);
                let expected = interp::run(&g, &x).unwrap();
                forms(&mut g).unwrap_or_else(|e| panic!("{what}: {e}"));
                verify::verify(&g).unwrap_or_else(|e| panic!("{what}: {e}"));
                assert_eq!(interp::run(&g, &x).unwrap_or_else(|e| panic!("{what}: {e}")), expected, "{what}");
                let (inner, ..) = borders(&g).unwrap();
                verify::verify(&inner).unwrap();
                assert!(!has_forms(&inner), "{what}");
            }
        }
    }
}

#[test]
fn positions_outside_are_refused() {
    let op = ops::by_name("SequenceAt").unwrap();
    let s = Tensor::sequence(DType::F32, vec![Tensor::f32(&[2], &[1.0, 2.0]), Tensor::f32(&[3], &[0.0; 3])]);
    for (name, bad) in [("SequenceAt", 2), ("SequenceAt", -3), ("SequenceErase", 2), ("SequenceErase", -5)] {
        let op = ops::by_name(name).unwrap_or(op);
        let sample = Sample::new(Attrs::new(), vec![s.clone(), Tensor::i64(&[], &[bad])]);
        let (mut g, x) = model(op, &sample, false, false);
        forms(&mut g).unwrap();
        assert!(interp::run(&g, &x).is_err(), "{name} {bad}");
    }
}

#[test]
fn a_known_list_leaves_nothing_of_a_sequence() {
    let text = "graph g {\n  input x: f32[n,4]\n  input k: f32[n,2]\n  one = const i64[] {1}\n  s = SplitToSequence(x, one) {axis=1}: \
                seq f32[n,1]\n  t = SequenceInsert(s, k, one): seq f32[n,\"*\"]\n  y = ConcatFromSequence(t) {axis=1}: f32[n,\"y#1\"]\n  \
                l = SequenceLength(t): i64[]\n  output y = y\n  output l = l\n}\n";
    let mut g = dlc_ir::text::parse(text).unwrap();
    forms(&mut g).unwrap();
    let mut ops: Vec<String> = g.nodes().map(|id| g.node(id).op_name()).collect();
    ops.sort();
    assert_eq!(ops, ["Concat", "Const", "Const", "Input", "Input", "Split"]);
}
