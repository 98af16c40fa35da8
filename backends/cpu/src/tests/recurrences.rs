//! Recurrences of many numbers of units at every level: the meaning, and the same bits.

use super::{differs, run_at};
use crate::Level;
use dlc_ir::ops::common::elementwise::sample_floats;
use dlc_ir::{Attrs, DType, Dim, Fact, Graph, Tensor, Value, interp, ops};

/// A recurrence with constant weights over `[time, batch, 7]`, all of its results, and lengths of the sequences.
fn graph(op: &str, gates: usize, hidden: usize, attrs: Attrs, symbolic: bool) -> (Graph, Vec<Tensor>) {
    let mut g = Graph::new("recurrence");
    let (time, batch, input) = (6, 3, 7);
    let dim = |name: &str, n: usize| if symbolic { Dim::sym(name) } else { n.into() };
    let small = |shape: &[usize], seed: u32| {
        let all = sample_floats(shape, seed).to_f64().into_iter().map(|v| v / 8.0).collect::<Vec<f64>>();
        Tensor::floats(DType::F32, shape, &all)
    };
    let x = g.add_input("x", Fact::new(DType::F32, [dim("time", time), dim("batch", batch), input.into()]));
    let lengths = g.add_input("lengths", Fact::new(DType::I32, [dim("batch", batch)]));
    let w = g.add_const("w", small(&[2, gates * hidden, input], 1));
    let r = g.add_const("r", small(&[2, gates * hidden, hidden], 2));
    let b = g.add_const("b", small(&[2, 2 * gates * hidden], 3));
    let attrs = attrs.with("direction", "bidirectional").with("hidden_size", hidden as i64);
    let outputs = if op == "LSTM" { 3 } else { 2 };
    let operands = [Some(x), Some(w), Some(r), Some(b), Some(lengths)];
    let node = g.add_op("node", ops::by_name(op).unwrap(), attrs, &operands, outputs).unwrap();
    (0..outputs as u32).for_each(|port| g.add_output(&format!("y{port}"), Value { node, port }));
    let lengths = Tensor::floats(DType::I32, &[batch], &[6.0, 4.0, 0.0]);
    (g, vec![small(&[time, batch, input], 4), lengths])
}

#[test]
fn units_in_whole_and_in_parts_of_vectors() {
    let linear = || Attrs::new().with("linear_before_reset", 1i64);
    let clipped = || Attrs::new().with("clip", 0.5f32);
    let cells = [("LSTM", 4, clipped()), ("GRU", 3, Attrs::new()), ("GRU", 3, linear()), ("RNN", 1, Attrs::new())];
    for (hidden, symbolic) in [(3, false), (16, true), (20, false), (48, false), (80, true), (72, true)] {
        for (op, gates, attrs) in &cells {
            let (g, inputs) = graph(op, *gates, hidden, attrs.clone(), symbolic);
            let want = interp::run(&g, &inputs).unwrap();
            let mut first: Option<Vec<Tensor>> = None;
            for level in Level::ALL.into_iter().filter(|l| *l <= Level::host()) {
                let found = run_at(level, &g, &inputs, 2).unwrap();
                for (a, b) in found.iter().zip(&want) {
                    assert_eq!(differs(a, b), None, "{op}, {hidden} units, {}", level.name());
                }
                let first = first.get_or_insert_with(|| found.clone());
                let same = first.iter().zip(&found).all(|(a, b)| a.bytes() == b.bytes());
                assert!(same, "{op}, {hidden} units: level {} gives other bits", level.name());
            }
        }
    }
}
