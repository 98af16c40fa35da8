//! Chains of steps: which are found, and that they compute what single steps do.

use super::*;
use dlc_artifact::program::{Home, Program, Step};
use dlc_ir::{Attrs, ops::common::elementwise::sample_floats};

fn program(g: &Graph) -> Program {
    crate::compile(g, &crate::Options::default()).unwrap().artifact.program
}

/// Number of calls of every chain of the program.
fn chains(p: &Program) -> Vec<usize> {
    let steps = p.blocks.iter().flat_map(|b| &b.steps);
    steps.filter_map(|s| if let Step::Chain { calls, .. } = s { Some(calls.len()) } else { None }).collect()
}

fn input(g: &mut Graph, name: &str, shape: &[&str]) -> dlc_ir::Value {
    let dim = |s: &&str| s.parse::<i64>().map_or_else(|_| Dim::sym(s), Dim::from);
    g.add_input(name, Fact::new(DType::F32, shape.iter().map(dim)))
}

/// Scores of heads, their softmax, and the values they weigh.
fn attention(heads: &str, length: &str) -> Graph {
    let mut g = Graph::new("attention");
    let q = input(&mut g, "q", &[heads, length, "24"]);
    let k = input(&mut g, "k", &[heads, "24", length]);
    let v = input(&mut g, "v", &[heads, length, "24"]);
    let scores = g.apply("scores", "MatMul", Attrs::new(), &[q, k]).unwrap();
    let weights = g.apply("weights", "Softmax", Attrs::new(), &[scores]).unwrap();
    let y = g.apply("y", "MatMul", Attrs::new(), &[weights, v]).unwrap();
    g.add_output("y", y);
    g
}

fn assert_right(g: &Graph, x: &[Tensor]) {
    let want = interp::run(g, x).unwrap();
    for threads in [1, 2] {
        let found = run(g, x, threads).unwrap();
        for (a, b) in want.iter().zip(&found) {
            let wrong = a.iter().zip(b.iter()).find(|(a, b)| (a.f() - b.f()).abs() > 1e-4 * a.f().abs().max(1.0));
            assert!(wrong.is_none(), "{threads} threads: {wrong:?}");
        }
    }
}

#[test]
fn attention_is_a_chain_of_heads() {
    let x = |heads: usize, n: usize| {
        [[heads, n, 24], [heads, 24, n], [heads, n, 24]].iter().zip(1..).map(|(s, i)| sample_floats(s, i)).collect()
    };
    let g = attention("12", "37");
    let p = program(&g);
    assert_eq!(chains(&p), [6]);
    let between = p.blocks[0].buffers.iter().filter(|b| b.home == Home::Thread).count();
    assert!(between >= 3, "scores, maxima and sums are in the memory of threads, found {between}");
    let inputs: Vec<Tensor> = x(12, 37);
    assert_right(&g, &inputs);
    let g = attention("12", "n");
    assert_eq!(chains(&program(&g)), [6]);
    for n in [1, 5, 64] {
        let inputs: Vec<Tensor> = x(12, n);
        assert_right(&g, &inputs);
    }
}

#[test]
fn few_heads_are_no_chain() {
    assert_eq!(chains(&program(&attention("2", "37"))).iter().filter(|n| **n == 6).count(), 0);
}

#[test]
fn what_reads_other_pieces_ends_a_chain() {
    let mut g = Graph::new("rows");
    let x = input(&mut g, "x", &["16", "40"]);
    let axes = g.add_const("axes", Tensor::i64(&[1], &[1]));
    let m = g.apply("mean", "ReduceMean", Attrs::new(), &[x, axes]).unwrap();
    let d = g.apply("less", "Sub", Attrs::new(), &[x, m]).unwrap();
    let axes = g.add_const("rows", Tensor::i64(&[1], &[0]));
    let y = g.apply("down", "ReduceMax", Attrs::new(), &[d, axes]).unwrap();
    let z = g.apply("all", "Add", Attrs::new(), &[d, y]).unwrap();
    g.add_output("z", z);
    let p = program(&g);
    assert!(chains(&p).iter().all(|n| *n <= 2), "the maximum over rows needs all of them: {:?}", chains(&p));
    assert_right(&g, &[sample_floats(&[16, 40], 3)]);
}

#[test]
fn a_neighbouring_row_is_not_read_from_memory_of_threads() {
    let mut g = Graph::new("neighbours");
    let x = input(&mut g, "x", &["1", "16", "16", "16"]);
    let mut y = x;
    for i in 0..3 {
        let w = g.add_const(&format!("w{i}"), sample_floats(&[16, 1, 3, 3], i));
        let attrs = Attrs::new().with("pads", vec![1i64; 4]).with("group", 16i64);
        y = g.apply(&format!("conv{i}"), "Conv", attrs, &[y, w]).unwrap();
        y = g.apply(&format!("relu{i}"), "Relu", Attrs::new(), &[y]).unwrap();
    }
    g.add_output("y", y);
    assert_right(&g, &[sample_floats(&[1, 16, 16, 16], 7)]);
}
