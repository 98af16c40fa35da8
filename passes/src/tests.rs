use crate::{cleanup, dce, fold, simplify};
use dlc_ir::text::{parse, print_short};
use dlc_ir::{Graph, interp, verify};

fn graph(body: &str) -> Graph {
    let g = parse(&format!("graph g {{{body}}}")).unwrap();
    verify::verify(&g).unwrap();
    g
}

/// The graph after `simplify`, checked against the oracle on zeros and on what the inputs' names sum to.
fn simplified(body: &str) -> String {
    let mut g = graph(body);
    let before = g.clone();
    simplify(&mut g).unwrap();
    verify::verify(&g).unwrap();
    let x: Vec<dlc_ir::Tensor> = before.inputs().iter().map(|id| sample(&before.node(*id).outputs[0])).collect();
    assert_eq!(interp::run(&g, &x).unwrap(), interp::run(&before, &x).unwrap());
    print_short(&g)
}

/// Every symbol is 2; elements alternate in sign.
fn sample(f: &dlc_ir::Fact) -> dlc_ir::Tensor {
    let shape: Vec<usize> = f.shape.iter().map(|d| d.eval(&|_| Some(2)).unwrap() as usize).collect();
    let n: usize = shape.iter().product();
    dlc_ir::Tensor::floats(f.dtype, &shape, &(0..n).map(|i| i as f64 * 1.5 - 2.0).collect::<Vec<_>>())
}

#[test]
fn constants_are_evaluated() {
    let text =
        simplified("input x: f32[2] a = const f32[2] {-1.0, 2.0} b = Add(a, a) c = Relu(b) y = Add(x, c) output y = y");
    let want =
        "graph g {\n  input x: f32[2]\n  c = const f32[2] {0.0, 4.0}\n  y = Add(x, c): f32[2]\n  output y = y\n}\n";
    assert_eq!(text, want);
}

#[test]
fn shapes_of_known_size_are_constants() {
    let text = simplified("input x: f32[2,3] input n: f32[3,n] s = Shape(x) y = Reshape(n, s) output s = s");
    assert!(text.contains("s = const i64[2] {2, 3}"), "{text}");
    assert!(!text.contains("Reshape"), "what no output needs is removed: {text}");
}

#[test]
fn symbolic_shapes_stay() {
    let mut g = graph("input x: f32[n,3] s = Shape(x) output s = s");
    assert_eq!(fold(&mut g).unwrap().changed, 0);
}

#[test]
fn inputs_stay_when_unused() {
    let mut g = graph("input x: f32[2] input unused: f32[2] y = Relu(x) z = Relu(y) output y = y");
    assert_eq!(dce(&mut g).unwrap().changed, 1);
    assert_eq!((g.inputs().len(), g.len()), (2, 3));
}

#[test]
fn results_do_not_grow() {
    let mut g = graph("w = const f32[1,1] {1.0} p = const i64[4] {0, 0, 4095, 4095} y = Pad(w, p) output y = y");
    assert_eq!(fold(&mut g).unwrap().changed, 0, "64 MiB of zeros are computed when needed");
}

#[test]
fn repeated_work_is_merged() {
    let text = simplified(
        "input x: f32[2] a = const f32[2] {1.0, 2.0} b = const f32[2] {1.0, 2.0} \
         c = Add(x, a) d = Add(x, b) y = Add(c, d) output y = y output d = d",
    );
    assert_eq!(text.matches("Add").count(), 2, "{text}");
    assert!(text.contains("output d = c"), "{text}");
}

#[test]
fn operators_that_change_nothing_are_skipped() {
    let body = "input x: f32[n,6] p = const i64[4] {0, 0, 0, 0} s = const i64[3] {-1, 2, 3} t = const i64[2] {-1, 6} \
                a = Pad(x, p) b = Reshape(a, s) c = Reshape(b, t) y = Relu(c) output y = y";
    let text = simplified(body);
    assert_eq!(text, "graph g {\n  input x: f32[n,6]\n  y = Relu(x): f32[n,6]\n  output y = y\n}\n");
    assert_eq!(cleanup(&mut parse(&text).unwrap()).unwrap().changed, 0);
}

#[test]
fn a_reshape_that_may_be_refused_is_kept() {
    let body = "input x: f32[6] input s: i64[2] t = const i64[1] {-1} r = Reshape(x, s) y = Reshape(r, t) output y = y";
    let mut g = graph(body);
    simplify(&mut g).unwrap();
    assert_eq!(print_short(&g).matches("Reshape(").count(), 2);
    let x = [dlc_ir::Tensor::f32(&[6], &[1.0; 6]), dlc_ir::Tensor::i64(&[2], &[1, 4])];
    let e = interp::run(&g, &x).unwrap_err().to_string();
    assert_eq!(e, "node \"r\" (Reshape): operand data has 6 elements, expected the 4 of operand shape");
}

#[test]
fn shapes_that_copy_sizes_are_not_computed() {
    let text = simplified(
        "input x: f32[n,m,6] s = Shape(x) {end=2} t = const i64[2] {2, 3} u = Concat(s, t) {axis=0} \
         y = Reshape(x, u) output y = y",
    );
    assert!(!text.contains("Concat") && text.contains("{0, 0, 2, 3}"), "{text}");
}

#[test]
fn decided_branches_are_inlined() {
    let text = simplified(
        "input x: f32[2] c = const bool[] {1} y = If(c, x) {then_branch=graph t { input x: f32[2] y = Relu(x) \
         output y = y }, else_branch=graph e { input x: f32[2] y = Neg(x) output y = y }} z = Abs(y) output z = z",
    );
    assert!(text.contains("Relu(x)") && !text.contains("If"), "{text}");
}
