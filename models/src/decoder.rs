//! One step of a transformer decoder with a cache of keys and values: what a language model runs for each token.

use crate::net::Net;
use dlc_ir::{Attrs, DType, Graph, Value};

const WIDTH: usize = 32;

/// Attention of `length` new positions to themselves and `past` earlier ones; the cache grows by the new ones.
pub fn build(seed: u64) -> Graph {
    let mut n = Net::new("decoder", seed);
    let x = n.input("x", DType::F32, &["batch", "length", "32"]);
    let past_key = n.input("past_key", DType::F32, &["batch", "past", "32"]);
    let past_value = n.input("past_value", DType::F32, &["batch", "past", "32"]);
    let query = n.dense("query", x, WIDTH, WIDTH);
    let key = extended(&mut n, "key", x, past_key);
    let value = extended(&mut n, "value", x, past_value);
    let turned = n.op("Transpose", Attrs::new().with("perm", vec![0i64, 2, 1]), &[key]);
    let scores = n.plain("MatMul", &[query, turned]);
    let scale = n.number("scale", 1.0 / (WIDTH as f32).sqrt());
    let scores = n.plain("Mul", &[scores, scale]);
    let weights = n.op("Softmax", Attrs::new().with("axis", -1i64), &[scores]);
    let mixed = n.plain("MatMul", &[weights, value]);
    let mixed = n.dense("mix", mixed, WIDTH, WIDTH);
    let y = n.plain("Add", &[x, mixed]);
    n.finish(&[("y", y), ("present_key", key), ("present_value", value)])
}

fn extended(n: &mut Net, name: &str, x: Value, past: Value) -> Value {
    let new = n.dense(name, x, WIDTH, WIDTH);
    n.op("Concat", Attrs::new().with("axis", 1i64), &[past, new])
}
