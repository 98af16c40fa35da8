//! Shapes that data decides, on the target `cpu`: one program serves all values of an operand, and refuses what the
//! oracle refuses.

use crate::cpu::Program;
use dlc_compiler::stages::Imported;
use dlc_ir::{DType, Num, Tensor, interp, text};

fn t(shape: &[usize]) -> Tensor {
    let n: usize = shape.iter().product();
    Tensor::new(DType::F32, shape, (0..n).map(|i| Num::F(((i * 7 + 3) % 11) as f64 - 4.0)))
}

fn ints(v: &[i64]) -> Tensor {
    Tensor::i64(&[v.len()], v)
}

/// One program of the graph, compared with the oracle on each of these; where the oracle refuses, so must it.
fn serves(body: &str, cases: &[Vec<Tensor>]) {
    let graph = text::parse(&format!("graph g {{ {body} output y = y }}")).unwrap_or_else(|e| panic!("{body}: {e}"));
    let program = Program::compile(Imported { graph: graph.clone(), assumptions: vec![] }).unwrap();
    let mut running = program.session(2).unwrap();
    for x in cases {
        match (interp::run(&graph, x), running.run(x)) {
            (Ok(expected), Ok(found)) => {
                assert_eq!(found[0].shape(), expected[0].shape(), "{body} of {x:?}");
                let near = |(a, b): (f64, f64)| a == b || (a - b).abs() <= 1e-5 * b.abs().max(1.0);
                let same = found[0].to_f64().into_iter().zip(expected[0].to_f64()).all(near);
                assert!(same, "{body} of {x:?}: {:?}, expected {:?}", found[0], expected[0]);
            }
            (Err(_), Err(_)) => {}
            (expected, found) => panic!("{body} of {x:?}: {found:?}, expected {expected:?}"),
        }
    }
}

#[test]
fn reductions_go_along_the_axes_that_are_given() {
    let x = |axes: &[&[i64]]| axes.iter().map(|a| vec![t(&[2, 3, 4]), ints(a)]).collect::<Vec<_>>();
    let of = |op: &str, n: usize, attrs: &str| format!("input x: f32[a,b,c] input p: i64[{n}] y = {op}(x, p) {attrs}");
    for op in ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceLogSumExp", "ReduceL2"] {
        serves(&of(op, 1, ""), &x(&[&[0], &[1], &[2], &[-1], &[3], &[-4]]));
        serves(&of(op, 2, "{keepdims=0}"), &x(&[&[0, 1], &[2, 0], &[-1, -2], &[0, 5]]));
    }
    let empty = |axis: i64| vec![t(&[2, 0, 4]), ints(&[axis])];
    serves(&of("ReduceLogSumExp", 1, ""), &[empty(0), empty(1), empty(2), vec![t(&[2, 3, 4]), ints(&[1])]]);
    serves(&of("ReduceSum", 1, "{keepdims=0}"), &[empty(0), empty(1), empty(2)]);
    serves(&of("ReduceSum", 3, "{keepdims=0}"), &x(&[&[0, 1, 2], &[2, -3, 1]]));
    let any = "input x: f32[a,b,c] input p: i64[n] y = ReduceSum(x, p)";
    serves(any, &x(&[&[], &[1], &[0, 2], &[0, 1, 2]]));
    serves(&format!("{any} {{noop_with_empty_axes=1}}"), &x(&[&[], &[1], &[0, 2]]));
}

#[test]
fn axes_of_size_one_come_and_go_where_they_are_asked_to() {
    let unsqueeze = "input x: f32[a,b] input p: i64[2] y = Unsqueeze(x, p)";
    let at = |p: [i64; 2]| vec![t(&[2, 3]), ints(&p)];
    serves(unsqueeze, &[at([0, 1]), at([3, 1]), at([-1, 0]), at([2, 3]), at([1, 1]), at([0, 4]), at([0, -5])]);
    let squeeze = "input x: f32[a,b,c] input p: i64[1] y = Squeeze(x, p)";
    let at = |shape: [usize; 3], p: i64| vec![t(&shape), ints(&[p])];
    serves(squeeze, &[at([1, 3, 1], 0), at([1, 3, 1], 2), at([1, 3, 1], -1), at([2, 1, 4], 1), at([1, 3, 1], 1)]);
    serves(squeeze, &[at([1, 3, 1], 3), at([1, 3, 1], -4)]);
    let all = "input x: f32[a] input p: i64[1] y = Squeeze(x, p)";
    serves(all, &[vec![t(&[1]), ints(&[0])], vec![t(&[3]), ints(&[0])], vec![t(&[1]), ints(&[1])]]);
    let known = "input x: f32[a] p = const i64[1] {0} y = Squeeze(x, p)";
    serves(known, &[vec![t(&[1])], vec![t(&[3])]]);
}

#[test]
fn running_sums_go_along_the_axis_that_is_given() {
    for attrs in ["", "{reverse=1}", "{exclusive=1}"] {
        let of = |op: &str| format!("input x: f32[a,b,c] input p: i64[] y = {op}(x, p) {attrs}");
        let at = |p: i64| vec![t(&[2, 3, 4]), Tensor::i64(&[], &[p])];
        serves(&of("CumSum"), &[at(0), at(1), at(2), at(-1), at(-3)]);
        serves(&of("CumProd"), &[at(0), at(-2)]);
    }
}

#[test]
fn the_axes_that_are_given_are_padded() {
    let of = |mode: &str| {
        format!("input x: f32[a,b,c] input p: i64[4] input on: i64[2] y = Pad(x, p, _, on) {{mode=\"{mode}\"}}")
    };
    let at = |p: [i64; 4], on: [i64; 2]| vec![t(&[2, 3, 4]), ints(&p), ints(&on)];
    for mode in ["constant", "edge", "wrap"] {
        serves(&of(mode), &[at([1, 0, 2, 1], [0, 2]), at([0, 2, 1, 0], [-1, 1]), at([-1, 1, 0, 0], [2, 0])]);
    }
}
