//! A multilayer perceptron for 28x28 images.

use crate::net::Net;
use dlc_ir::{Attrs, DType, Graph};

/// 784 - 128 - 64 - 10 with ReLU and softmax.
pub fn build(seed: u64) -> Graph {
    let mut n = Net::new("mlp", seed);
    let x = n.input("x", DType::F32, &["batch", "784"]);
    let x = n.dense("hidden1", x, 784, 128);
    let x = n.plain("Relu", &[x]);
    let x = n.dense("hidden2", x, 128, 64);
    let x = n.plain("Relu", &[x]);
    let x = n.dense("classes", x, 64, 10);
    let y = n.op("Softmax", Attrs::new().with("axis", -1i64), &[x]);
    n.finish(&[("y", y)])
}
