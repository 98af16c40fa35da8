use crate::{integers, simplify};
use dlc_ir::text::{parse, print_short};
use dlc_ir::{DType, Graph, Tensor, interp, verify};

/// The graph after the pass and a clean-up; that it means the same is checked on a ramp.
fn written(body: &str) -> (String, Graph) {
    let mut g = parse(&format!("graph g {{{body}}}")).unwrap();
    let before = g.clone();
    integers(&mut g).unwrap();
    simplify(&mut g).unwrap();
    verify::verify(&g).unwrap();
    let fact = &before.node(before.inputs()[0]).outputs[0];
    let shape: Vec<usize> = fact.shape.iter().map(|d| d.as_const().unwrap() as usize).collect();
    let n: usize = shape.iter().product();
    let x = [Tensor::floats(DType::F32, &shape, &(0..n).map(|i| i as f64 * 0.37 - 5.1).collect::<Vec<_>>())];
    assert_eq!(interp::run(&g, &x).unwrap(), interp::run(&before, &x).unwrap());
    (print_short(&g), g)
}

fn count(g: &Graph, op: &str) -> usize {
    g.nodes().filter(|id| g.node(*id).op_name() == op).count()
}

/// A quantized input, and a convolution of it with a bias of the scale of its sums.
const CONV: &str = "input x: f32[1,2,4,4] s = const f32[] {0.05} z = const u8[] {128} q = QuantizeLinear(x, s, z) \
    d = DequantizeLinear(q, s, z) w = const i8[3,2,1,1] {100, -3, 7, 90, -128, 127} ws = const f32[3] {0.1, 0.2, 0.3} \
    dw = DequantizeLinear(w, ws) {axis=0} b = const i32[3] {1000, -2000, 30} bs = const f32[3] {0.005, 0.01, 0.015} \
    db = DequantizeLinear(b, bs) {axis=0} c = Conv(d, dw, db) s2 = const f32[] {0.7} z2 = const u8[] {3} ";

#[test]
fn products_moves_and_functions_are_of_integers() {
    let (text, g) = written(&format!(
        "{CONV} r = Relu(c) q2 = QuantizeLinear(r, s2, z2) d2 = DequantizeLinear(q2, s2, z2) g = Sigmoid(d2) \
         m = Mul(d2, g) q3 = QuantizeLinear(m, s2, z2) d3 = DequantizeLinear(q3, s2, z2) \
         p = MaxPool(d3) {{kernel_shape=[2,2]}} y = QuantizeLinear(p, s2, z2) output y = y"
    ));
    let ops = ["ConvInteger", "dlc.Table", "DequantizeLinear", "Conv", "Sigmoid"].map(|op| count(&g, op));
    assert_eq!(ops, [1, 1, 1, 0, 0], "{text}");
}

#[test]
fn scales_go_into_both_sides_of_a_sum() {
    let (text, g) = written(&format!(
        "{CONV} q2 = QuantizeLinear(c, s2, z2) d2 = DequantizeLinear(q2, s2, z2) a = Add(d2, d2) \
         y = QuantizeLinear(a, s2, z2) output y = y"
    ));
    assert_eq!(count(&g, "Conv"), 0, "{text}");
    assert!(g.nodes().filter(|id| g.node(*id).op_name() == "QuantizeLinear").count() == 3, "{text}");
}

#[test]
fn what_is_concatenated_is_quantized_by_itself() {
    let (text, g) = written(&format!(
        "{CONV} q2 = QuantizeLinear(c, s2, z2) d2 = DequantizeLinear(q2, s2, z2) e = DequantizeLinear(q, s, z) \
         a = Concat(d2, e) {{axis=1}} y = QuantizeLinear(a, s2, z2) output y = y"
    ));
    let concat = g.nodes().find(|id| g.node(*id).op_name() == "Concat").unwrap();
    assert_eq!(g.node(concat).outputs[0].dtype, DType::U8, "{text}");
}

#[test]
fn a_scale_that_only_the_data_knows_is_left() {
    let (text, g) = written(
        "input x: f32[2,3] m = ReduceMax(x) {keepdims=0} s = Abs(m) q = QuantizeLinear(x, s) d = DequantizeLinear(q, s) \
         w = const i8[3,2] {1, 2, 3, 4, 5, 6} ws = const f32[] {0.5} dw = DequantizeLinear(w, ws) \
         y = MatMul(d, dw) output y = y",
    );
    assert_eq!((count(&g, "MatMul"), count(&g, "MatMulInteger")), (1, 0), "{text}");
}
