use crate::check::check;
use crate::*;
use dlc_ir::text::{parse, print_short};
use dlc_ir::{Tensor, interp, verify};

fn graph(body: &str) -> Graph {
    let g = parse(&format!("graph g {{{body}}}")).unwrap();
    verify::verify(&g).unwrap();
    g
}

fn input(f: &dlc_ir::Fact) -> Tensor {
    let shape: Vec<usize> = f.shape.iter().map(|d| d.eval(&|_| Some(2)).unwrap() as usize).collect();
    let n: usize = shape.iter().product();
    Tensor::floats(f.dtype, &shape, &(0..n).map(|i| (i * 7 % 11) as f64 / 4.0 - 1.25).collect::<Vec<_>>())
}

fn close(a: &Tensor, b: &Tensor) {
    assert_eq!((a.dtype(), a.shape()), (b.dtype(), b.shape()));
    for (x, y) in a.iter().zip(b.iter()) {
        assert!((x.f() - y.f()).abs() <= 1e-5 * (1.0 + y.f().abs()), "{a:?}\n{b:?}");
    }
}

/// Saturates, checks the result against the oracle, and gives it as text.
fn saturated_with(body: &str, opts: &Options) -> String {
    let before = graph(body);
    let mut g = before.clone();
    saturate(&mut g, &RULES, opts, &Traffic::default()).unwrap();
    verify::verify(&g).unwrap();
    let x: Vec<Tensor> = before.inputs().iter().map(|id| input(&before.node(*id).outputs[0])).collect();
    let (a, b) = (interp::run(&g, &x).unwrap(), interp::run(&before, &x).unwrap());
    a.iter().zip(&b).for_each(|(a, b)| close(a, b));
    print_short(&g)
}

fn saturated(body: &str) -> String {
    for seed in 0..3 {
        saturated_with(body, &Options { extract: Extract::Random(seed), ..Options::default() });
    }
    let text = saturated_with(body, &Options::default());
    assert_eq!(text, saturated_with(body, &Options::default()), "the same every time");
    text
}

#[test]
fn every_rule_is_sound_and_alive() {
    let failed: Vec<String> = RULES.iter().filter_map(|r| check(r).err()).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// A sample as a graph: floats are inputs, all else is constant, as models have it.
fn one_node(op: dlc_ir::OpRef, s: &dlc_ir::Sample) -> (Graph, Vec<Tensor>) {
    let (mut g, mut x, mut inputs) = (Graph::new("sample"), vec![], vec![]);
    for (i, t) in s.x.iter().enumerate() {
        x.push(t.as_ref().map(|t| match t.dtype().is_float() {
            true => {
                inputs.push(t.clone());
                g.add_input(&format!("x{i}"), t.type_fact())
            }
            false => g.add_const(&format!("c{i}"), t.clone()),
        }));
    }
    let node = g.add_op("node", op, s.attrs.clone(), &x, s.outputs).unwrap();
    (0..s.outputs as u32).for_each(|port| g.add_output(&format!("y{port}"), dlc_ir::Value { node, port }));
    (g, inputs)
}

#[test]
fn every_sample_of_every_operator_survives() {
    for op in dlc_ir::ops::OPS {
        for s in op.samples().into_iter().take(3) {
            let (before, x) = one_node(dlc_ir::OpRef(*op), &s);
            let mut g = before.clone();
            let opts = Options { extract: Extract::Random(5), ..Options::default() };
            saturate(&mut g, &RULES, &opts, &Traffic::default()).unwrap();
            verify::verify(&g).unwrap_or_else(|e| panic!("{}: {e}", op.name()));
            if build::is_opaque(&before, before.outputs()[0].1.node) {
                continue;
            }
            let (a, b) = (interp::run(&g, &x).unwrap(), interp::run(&before, &x).unwrap());
            for (a, b) in a.iter().zip(&b) {
                assert!(check::difference(a, b).is_none(), "{}: {a:?} {b:?}", op.name());
            }
        }
    }
}

#[test]
fn names_of_rules_are_unique() {
    let mut seen = std::collections::BTreeSet::new();
    assert_eq!(RULES.iter().find(|r| !seen.insert(r.name)).map(|r| r.name), None);
}

#[test]
fn wrong_rules_are_caught() {
    let wrong = |lhs, rhs| check(&rule("wrong", lhs, rhs)).unwrap_err();
    assert!(wrong("(Relu (Add ?x ?y))", "(Add (Relu ?x) (Relu ?y))").contains("differs"));
    assert!(wrong("(Transpose ?p (MatMul ?x ?y))", "(MatMul (Transpose ?p ?x) (Transpose ?p ?y))").contains("differ"));
    assert!(wrong("(Sub ?x ?y)", "(Sub ?y ?x)").contains("differs"));
    assert!(wrong("(Mul ?x ?c)", "?x").contains("differ"));
    assert!(wrong("(Relu (Shape ?a (Not ?x)))", "?x").contains("differ"));
    assert!(wrong("(Not (Relu ?x))", "?x").contains("never type-checks"));
    assert!(wrong("(Relu ?x ?y)", "?x").contains("does not take 2"));
    assert!(wrong("(Relu ?x)", "?y").contains("?y is not on the left side"));
    let dead = rule("dead", "(Relu ?x)", "?x").when("(rank ?x 2) (rank ?x 3)");
    assert!(check(&dead).unwrap_err().contains("never"));
}

#[test]
fn gelu_is_found_in_its_orders() {
    let head = "input x: f32[n,3] half = const f32[] {0.5} one = const f32[] {1.0} root = const f32[] {1.4142135} \
                inverse = const f32[] {0.70710677}";
    for body in [
        "a = Div(x, root) b = Erf(a) c = Add(b, one) d = Mul(x, c) y = Mul(d, half)",
        "a = Mul(x, inverse) b = Erf(a) c = Add(one, b) d = Mul(half, x) y = Mul(d, c)",
        "a = Div(x, root) b = Erf(a) c = Add(b, one) d = Mul(c, half) y = Mul(x, d)",
        "a = Div(x, root) b = Erf(a) c = Add(b, one) d = Mul(x, half) y = Mul(c, d)",
    ] {
        let text = saturated(&format!("{head} {body} output y = y"));
        assert!(text.contains("  y = Gelu(x): f32[n,3]\n"), "{text}");
        assert!(!text.contains("Erf") && !text.contains("Mul"), "{text}");
    }
}

#[test]
fn a_layer_norm_of_nine_nodes_is_one() {
    let text = saturated(
        "input x: f32[n,4] i = const i64[1] {-1} two = const f32[] {2.0} e = const f32[] {1e-6} \
         g = const f32[4] {1.0, 2.0, 0.5, -1.0} b = const f32[4] {0.0, 1.0, 2.0, 3.0} \
         m = ReduceMean(x, i) d = Sub(x, m) p = Pow(d, two) v = ReduceMean(p, i) w = Add(v, e) s = Sqrt(w) \
         q = Div(d, s) h = Mul(q, g) y = Add(h, b) output y = y",
    );
    assert!(text.contains("y = LayerNormalization(x, g, b) {axis=-1, epsilon=1e-6f}"), "{text}");
    assert!(!text.contains("Sub"), "{text}");
}

#[test]
fn rms_norm_and_swish_are_found() {
    let text = saturated(
        "input x: f32[n,4] i = const i64[1] {-1} two = const f32[] {2.0} e = const f32[] {1e-5} one = const f32[] {1.0} \
         g = const f32[4] {1.0, 2.0, 0.5, -1.0} p = Pow(x, two) v = ReduceMean(p, i) w = Add(v, e) s = Sqrt(w) \
         r = Div(one, s) q = Mul(x, r) h = Mul(g, q) t = Sigmoid(h) y = Mul(h, t) output y = y",
    );
    assert!(text.contains("RMSNormalization(x, g)") && text.contains("y = Swish("), "{text}");
    assert!(!text.contains("Pow") && !text.contains("Sigmoid"), "{text}");
}

#[test]
fn a_batch_norm_goes_into_its_convolution() {
    let text = saturated(
        "input x: f32[1,2,5,5] w = const f32[2,1,3,3] {1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 1.0, 2.0, 3.0, \
         4.0, 5.0, 6.0, 7.0, 8.0, 9.0} s = const f32[2] {2.0, -1.0} b = const f32[2] {0.5, 0.25} \
         m = const f32[2] {1.0, 3.0} v = const f32[2] {4.0, 0.25} c = Conv(x, w) {group=2} \
         n = BatchNormalization(c, s, b, m, v) y = Relu(n) output y = y",
    );
    assert!(text.contains("n = Conv(x, ") && !text.contains("Batch"), "{text}");
}

#[test]
fn transposes_cancel_over_what_is_between() {
    let text = saturated(
        "input x: f32[2,3,4] t = Transpose(x) {perm=[1,2,0]} r = Relu(t) s = Sigmoid(r) y = Transpose(s) {perm=[2,0,1]} \
         output y = y",
    );
    assert!(!text.contains("Transpose"), "{text}");
}

#[test]
fn scale_and_shift_go_into_a_convolution() {
    let text = saturated(
        "input x: f32[n,2,5,5] w = const f32[2,2,1,1] {1.0, 2.0, 3.0, 4.0} k = const f32[2,1,1] {2.0, -1.0} \
         b = const f32[1,2,1,1] {0.5, 0.25} c = Conv(x, w) m = Mul(c, k) a = Add(m, b) y = Relu(a) output y = y",
    );
    assert_eq!(text.matches("Conv").count(), 1, "{text}");
    assert!(text.contains("a = Conv(x, "), "{text}");
    assert!(!text.contains("Mul(c"), "{text}");
}

#[test]
fn only_the_first_applications_are_made() {
    let body = "input x: f32[2] a = Relu(x) b = Relu(a) c = Neg(b) y = Neg(c) output y = y";
    let none = saturated_with(body, &Options { first: 0, ..Options::default() });
    assert_eq!(none.matches('(').count(), 4, "{none}");
    let all = saturated(body);
    assert!(all.contains("= Relu(x)") && all.matches('(').count() == 1, "{all}");
    let only = saturated_with(body, &Options { allow: Some(vec!["neg-neg".into()]), ..Options::default() });
    assert_eq!(only.matches("Relu").count(), 2, "{only}");
}

#[test]
fn large_graphs_are_searched_window_by_window() {
    let mut body = "input x: f32[4] c = const f32[] {0.5} v0 = Relu(x)".to_string();
    for i in 0..600 {
        body += &format!(" a{i} = Relu(v{i}) v{} = Add(a{i}, c)", i + 1);
    }
    let mut g = graph(&(body + " output y = v600"));
    let opts = Options { limits: Limits { window: 200, ..Limits::default() }, ..Options::default() };
    let report = saturate(&mut g, &RULES, &opts, &Traffic::default()).unwrap();
    assert!(!report.out_of_time && report.terms < 3000, "{report:?}");
    assert_eq!(window::windows(&g, 200).unwrap().iter().map(Vec::len).sum::<usize>(), 1200);
}
