//! Sequences and optionals on the target `cpu`: what the oracle gives, and what it refuses.

use crate::cpu;
use dlc_ir::{DType, Dim, Graph, Num, OpRef, Sample, Tensor, Value, interp, ops::OPS, text};
use std::collections::BTreeSet;

fn t(shape: &[usize], seed: i64) -> Tensor {
    let n: usize = shape.iter().product();
    Tensor::new(DType::F32, shape, (0..n as i64).map(|i| Num::F(((i * 7 + seed) % 11) as f64)))
}

fn sequence(shapes: &[&[usize]]) -> Tensor {
    Tensor::sequence(DType::F32, shapes.iter().zip(1..).map(|(s, k)| t(s, k)).collect())
}

fn int(v: i64) -> Tensor {
    Tensor::i64(&[], &[v])
}

fn graph(body: &str) -> Graph {
    text::parse(&format!("graph g {{ {body} }}")).unwrap_or_else(|e| panic!("{e}"))
}

fn agree(body: &str, x: &[Tensor]) {
    let g = graph(body);
    let expected = interp::run(&g, x).unwrap_or_else(|e| panic!("{body}: {e}"));
    assert_eq!(cpu::run(&g, x).unwrap_or_else(|e| panic!("{body}: {e}")), expected, "{body}");
}

fn refused(body: &str, x: &[Tensor]) {
    let g = graph(body);
    assert!(interp::run(&g, x).is_err(), "{body}");
    let found = cpu::run(&g, x);
    assert!(found.is_err(), "{body}: {found:?}");
}

const AT: &str = "input s: seq f32[2,\"*\"] input p: i64[] y = SequenceAt(s, p) output y = y";
const ERASE: &str = "input s: seq f32[?] input p: i64[] y = SequenceErase(s, p) output y = y";
const INSERT: &str = "input s: seq f32[?] input v: f32[a,b] input p: i64[] y = SequenceInsert(s, v, p) output y = y";

#[test]
fn tensors_are_taken_out_and_put_in() {
    let ragged = sequence(&[&[2, 3], &[2, 1], &[2, 0], &[2, 5]]);
    let mixed = sequence(&[&[2, 3], &[], &[4, 1, 2]]);
    for p in [0, 1, 2, 3, -1, -4] {
        agree(AT, &[ragged.clone(), int(p)]);
    }
    for p in [0, 1, 2, -1, -3] {
        agree(ERASE, &[mixed.clone(), int(p)]);
        agree(INSERT, &[mixed.clone(), t(&[3, 2], 5), int(p)]);
    }
    agree(INSERT, &[mixed, t(&[0, 2], 5), int(3)]);
    agree(INSERT, &[sequence(&[]), t(&[1, 2], 5), int(0)]);
}

#[test]
fn positions_outside_are_refused() {
    let s = sequence(&[&[2, 3], &[2, 1]]);
    for p in [2, 5, -3, -7, i64::MAX, i64::MIN] {
        refused(AT, &[s.clone(), int(p)]);
        refused(ERASE, &[s.clone(), int(p)]);
    }
    for p in [3, -3, -9] {
        refused(INSERT, &[s.clone(), t(&[1, 1], 1), int(p)]);
    }
    refused(AT, &[sequence(&[]), int(0)]);
}

#[test]
fn tensors_are_joined_and_split() {
    let of = |op: &str, axis: i64, new: i64| {
        format!("input s: seq f32[\"*\",\"*\",2] y = {op}(s) {{axis={axis}, new_axis={new}}} output y = y")
    };
    for axis in 0..4 {
        agree(&of("ConcatFromSequence", axis, 1), &[sequence(&[&[3, 2, 2], &[3, 2, 2]])]);
    }
    agree(&of("ConcatFromSequence", 0, 0), &[sequence(&[&[3, 2, 2], &[1, 2, 2]])]);
    agree(&of("ConcatFromSequence", 1, 0), &[sequence(&[&[3, 2, 2], &[3, 0, 2], &[3, 5, 2]])]);
    refused(&of("ConcatFromSequence", 0, 0), &[sequence(&[&[3, 2, 2], &[3, 4, 2]])]);
    refused(&of("ConcatFromSequence", 0, 1), &[sequence(&[&[3, 2, 2], &[2, 3, 2]])]);
    for (axis, keep) in [(0, 0), (1, 0), (2, 1)] {
        let split = format!("input x: f32[a,b,c] y = SplitToSequence(x) {{axis={axis}, keepdims={keep}}} output y = y");
        agree(&split, &[t(&[3, 4, 2], 1)]);
    }
    let by = "input x: f32[a,b] input n: i64[] y = SplitToSequence(x, n) {axis=1} output y = y";
    agree(by, &[t(&[3, 7], 1), int(3)]);
    let sizes = "input x: f32[a,b] input n: i64[k] y = SplitToSequence(x, n) {axis=-1} output y = y";
    agree(sizes, &[t(&[3, 7], 1), Tensor::i64(&[3], &[4, 0, 3])]);
    for wrong in [[4, 4], [4, 2], [-1, 8]] {
        refused(sizes, &[t(&[3, 7], 1), Tensor::i64(&[2], &wrong)]);
    }
}

#[test]
fn optionals_are_there_or_not() {
    let has = "input x: opt f32[?] y = OptionalHasElement(x) output y = y output x = x";
    let get = "input x: opt seq f32[3] y = OptionalGetElement(x) n = SequenceLength(y) output n = n";
    for x in [t(&[2, 3], 1), Tensor::absent(DType::F32, false)] {
        agree(has, &[x]);
    }
    agree(get, &[sequence(&[&[3], &[3]])]);
}

#[test]
fn other_tensors_than_declared_are_refused() {
    let g = graph(AT);
    for s in
        [sequence(&[&[3, 2]]), sequence(&[&[2]]), Tensor::sequence(DType::I64, vec![Tensor::i64(&[2, 1], &[1, 2])])]
    {
        assert!(cpu::run(&g, &[s, int(0)]).unwrap_err().starts_with("`s`: expected a sequence of tensors"));
    }
}

/// A sample as a model: small integers are constants or inputs; sizes of tensors are constants or symbols.
fn model(op: OpRef, s: &Sample, constants: bool, symbols: bool) -> dlc_ir::Result<(Graph, Vec<Tensor>)> {
    let (mut g, mut x, mut inputs) = (Graph::new("sample"), vec![], vec![]);
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
    let node = g.add_op("y", op, s.attrs.clone(), &x, s.outputs)?;
    for port in 0..s.outputs as u32 {
        g.add_output(&format!("y{port}"), Value { node, port });
    }
    Ok((g, inputs))
}

/// Operators of ONNX with samples of sequences or optionals.
const OPERATORS: &[&str] = &[
    "ConcatFromSequence",
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

#[test]
fn code_is_the_meaning_of_every_operator_of_forms() {
    let mut seen = BTreeSet::new();
    for op in OPS.iter().copied().map(OpRef).filter(|op| op.0.domain().is_empty()) {
        for (i, s) in op.0.samples().iter().enumerate().filter(|(_, s)| !s.is_text(op.0)) {
            for (constants, symbols) in [(true, false), (false, false), (false, true)] {
                // Some operators want a size or a constant; that they say so is tested with them.
                let Ok((g, x)) = model(op, s, constants, symbols) else { continue };
                if !dlc_passes::forms::has_forms(&g) {
                    continue;
                }
                let what = format!("{} sample {i}, constants {constants}, symbols {symbols}", op.0.name());
                let expected = interp::run(&g, &x).unwrap_or_else(|e| panic!("{what}: {e}"));
                assert_eq!(cpu::run(&g, &x).unwrap_or_else(|e| panic!("{what}: {e}")), expected, "{what}");
                seen.insert(op.0.name());
            }
        }
    }
    assert!(OPERATORS.iter().all(|name| seen.contains(name)), "{seen:?}");
}
