//! A network with a branch that the data decides.

use crate::net::Net;
use dlc_ir::{Attrs, DType, Graph, Value};

/// `y = x * w` when the sum of `x` is positive, otherwise `relu(x) + b`.
pub fn build(seed: u64) -> Graph {
    let mut n = Net::new("gate", seed);
    let x = n.input("x", DType::F32, &["batch", "8"]);
    let sum = n.op("ReduceSum", Attrs::new().with("keepdims", 0i64), &[x]);
    let zero = n.number("zero", 0.0);
    let positive = n.plain("Greater", &[sum, zero]);
    let attrs = Attrs::new()
        .with(
            "then_branch",
            branch("then", seed + 1, |n, x| {
                let w = n.weight("then.weight", &[8, 8], 1);
                n.plain("MatMul", &[x, w])
            }),
        )
        .with(
            "else_branch",
            branch("else", seed + 2, |n, x| {
                let b = n.spread("else.bias", &[8], 0.0, 1.0);
                let x = n.plain("Relu", &[x]);
                n.plain("Add", &[x, b])
            }),
        );
    let y = n.op("If", attrs, &[positive, x]);
    n.finish(&[("y", y)])
}

fn branch(name: &str, seed: u64, body: impl FnOnce(&mut Net, Value) -> Value) -> Graph {
    let mut n = Net::new(name, seed);
    let x = n.input("captured", DType::F32, &["batch", "8"]);
    let y = body(&mut n, x);
    n.finish(&[(name, y)])
}
