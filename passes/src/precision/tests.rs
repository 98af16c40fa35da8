use crate::{dce, precision};
use dlc_ir::text::{parse, print_short};
use dlc_ir::{DType, Graph, Tensor, interp, verify};

/// The graph after the pass, and how far its results are from those before, relatively.
fn rounded(g: &Graph, x: &Tensor) -> (Graph, f64) {
    let mut narrow = g.clone();
    precision(&mut narrow, DType::BF16).unwrap();
    dce(&mut narrow).unwrap();
    verify::verify(&narrow).unwrap();
    let run = |g: &Graph| interp::run(g, std::slice::from_ref(x)).unwrap();
    let (found, want) = (run(&narrow), run(g));
    let far = found.iter().zip(&want).map(|(f, w)| {
        assert_eq!((f.dtype(), f.shape()), (w.dtype(), w.shape()));
        let square = |v: f64| v * v;
        let off: f64 = f.iter().zip(w.iter()).map(|(a, b)| square(a.f() - b.f())).sum();
        (off / w.iter().map(|v| square(v.f())).sum::<f64>()).sqrt()
    });
    let far = far.fold(0.0, f64::max);
    (narrow, far)
}

fn network(body: &str, constants: &[(&str, &[usize])]) -> Graph {
    let zeros = |(name, shape): &(&str, &[usize])| {
        let dims = shape.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        format!("{name} = const f32[{dims}] {{{}}} ", vec!["0"; shape.iter().product()].join(", "))
    };
    let mut g = parse(&format!("graph g {{{} {body}}}", constants.iter().map(zeros).collect::<String>())).unwrap();
    for id in g.nodes().collect::<Vec<_>>() {
        let name = g.node(id).name.clone();
        if let Some((seed, (_, shape))) = constants.iter().enumerate().find(|c| c.1.0 == name) {
            g.make_const(id, dlc_ir::ops::common::elementwise::sample_floats(shape, seed as u32));
        }
    }
    g
}

fn x(shape: &[usize]) -> Tensor {
    dlc_ir::ops::common::elementwise::sample_floats(shape, 9)
}

/// How often an operator gives a type.
fn count(g: &Graph, op: &str, dtype: DType) -> usize {
    g.nodes().filter(|id| g.node(*id).op_name() == op && g.node(*id).outputs[0].dtype == dtype).count()
}

#[test]
fn what_products_read_is_stored_in_16_bits_for_all_readers() {
    let g = network(
        "input x: f32[1,16,6,6] r = Relu(x) c = Conv(r, w) {pads=[1,1,1,1]} s = Add(c, r) p = MaxPool(s) \
         {kernel_shape=[2,2]} f = Flatten(p) y = Gemm(f, v) {transB=1} output y = y",
        &[("w", &[16, 16, 3, 3]), ("v", &[20, 400])],
    );
    let (narrow, far) = rounded(&g, &x(&[1, 16, 6, 6]));
    let text = print_short(&narrow);
    // The activation, and the sum before it is pooled; weights are constants.
    assert_eq!(count(&narrow, "Cast", DType::BF16), 2, "{text}");
    let moved = ["Pad", "MaxPool", "Flatten"].map(|op| count(&narrow, op, DType::BF16));
    assert_eq!(moved, [1, 1, 1], "{text}");
    assert_eq!(["Conv", "Gemm", "Add"].map(|op| count(&narrow, op, DType::F32)), [1, 1, 1], "{text}");
    assert_eq!(count(&narrow, "Const", DType::F32), 0, "{text}");
    assert!(far > 1e-5 && far < 1e-2, "{far} off\n{text}");
}

#[test]
fn results_of_the_graph_are_not_rounded() {
    let g = network("input x: f32[2,32] r = Tanh(x) y = MatMul(r, w) output r = r output y = y", &[("w", &[32, 16])]);
    let given = x(&[2, 32]);
    let (narrow, _) = rounded(&g, &given);
    let run = |g: &Graph| interp::run(g, std::slice::from_ref(&given)).unwrap();
    assert_eq!(run(&narrow)[0], run(&g)[0]);
    assert_ne!(run(&narrow)[1], run(&g)[1]);
}

#[test]
fn small_and_grouped_products_stay() {
    let g = network(
        "to = const i64[2] {8, 8} input x: f32[1,16,6,6] d = Conv(x, each) {group=16} s = Conv(d, small) \
         t = Reshape(s, to) y = MatMul(t, t) output y = y",
        &[("each", &[16, 1, 3, 3]), ("small", &[4, 16, 1, 1])],
    );
    let mut same = g.clone();
    assert_eq!(precision(&mut same, DType::BF16).unwrap().changed, 0);
    assert_eq!(print_short(&same), print_short(&g));
}

#[test]
fn attention_is_of_rounded_factors_but_for_its_softmax() {
    let g = network(
        "input x: f32[2,20,32] q = MatMul(x, a) k = MatMul(x, b) v = MatMul(x, c) \
         y = Attention(q, k, v) {q_num_heads=2, kv_num_heads=2} output y = y",
        &[("a", &[32, 32]), ("b", &[32, 32]), ("c", &[32, 32])],
    );
    let (narrow, far) = rounded(&g, &x(&[2, 20, 32]));
    let text = print_short(&narrow);
    // The input, the three projections, and the probabilities.
    assert_eq!(count(&narrow, "Cast", DType::BF16), 5, "{text}");
    assert_eq!(["Softmax", "MatMul"].map(|op| count(&narrow, op, DType::F32)), [1, 5], "{text}");
    assert!(far > 1e-5 && far < 1e-2, "{far} off\n{text}");
}
