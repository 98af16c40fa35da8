//! A perceptron with dynamically quantized activations and INT8 weights, as ONNX Runtime's quantizer writes it.

use crate::net::Net;
use dlc_ir::{Attrs, DType, Graph, Num, Tensor, Value};

/// 64 - 32 - 10 with ReLU.
pub fn build(seed: u64) -> Graph {
    let mut n = Net::new("int8_mlp", seed);
    let x = n.input("x", DType::F32, &["batch", "64"]);
    let x = dense(&mut n, "hidden", x, 64, 32);
    let x = n.plain("Relu", &[x]);
    let y = dense(&mut n, "classes", x, 32, 10);
    n.finish(&[("y", y)])
}

/// `(quantized x) * w` in integers, times both scales, plus the bias.
fn dense(n: &mut Net, name: &str, x: Value, inputs: usize, outputs: usize) -> Value {
    let q = n.results("DynamicQuantizeLinear", Attrs::new(), vec![Some(x)], 3);
    let w = n.weight_i8(&format!("{name}.weight"), &[inputs, outputs]);
    let zero = n.constant(&format!("{name}.zero"), Tensor::scalar(DType::I8, Num::I(0)));
    let scale = n.number(&format!("{name}.scale"), (6.0 / inputs as f32).sqrt() / 127.0);
    let bias = n.spread(&format!("{name}.bias"), &[outputs], 0.0, 0.1);
    let sum = n.plain("MatMulInteger", &[q[0], w, q[2], zero]);
    let sum = n.op("Cast", Attrs::new().with("to", DType::F32), &[sum]);
    let scale = n.plain("Mul", &[q[1], scale]);
    let y = n.plain("Mul", &[sum, scale]);
    n.plain("Add", &[y, bias])
}
