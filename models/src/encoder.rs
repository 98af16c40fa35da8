//! One block of a transformer encoder, of primitive operators as exporters write it: Vaswani et al., "Attention is all
//! you need", 2017.

use crate::net::Net;
use dlc_ir::{Attrs, DType, Graph, Value};

const WIDTH: usize = 64;
const HEADS: usize = 4;
const INNER: usize = 128;

/// Attention and a feed-forward layer with GELU, each with a residual and layer normalization; any batch and length.
pub fn build(seed: u64) -> Graph {
    let mut n = Net::new("encoder", seed);
    let x = n.input("x", DType::F32, &["batch", "length", "64"]);
    let a = attention(&mut n, x);
    let a = n.plain("Add", &[x, a]);
    let a = layer_norm(&mut n, "norm1", a);
    let f = n.dense("inner", a, WIDTH, INNER);
    let f = gelu(&mut n, f);
    let f = n.dense("outer", f, INNER, WIDTH);
    let f = n.plain("Add", &[a, f]);
    let y = layer_norm(&mut n, "norm2", f);
    n.finish(&[("y", y)])
}

fn attention(n: &mut Net, x: Value) -> Value {
    let split = n.list("heads", &[0, 0, HEADS as i64, (WIDTH / HEADS) as i64]);
    let head = |n: &mut Net, name: &str, perm: [i64; 4]| {
        let v = n.dense(name, x, WIDTH, WIDTH);
        let v = n.plain("Reshape", &[v, split]);
        n.op("Transpose", Attrs::new().with("perm", perm.to_vec()), &[v])
    };
    let q = head(n, "query", [0, 2, 1, 3]);
    let k = head(n, "key", [0, 2, 3, 1]);
    let v = head(n, "value", [0, 2, 1, 3]);
    let scores = n.plain("MatMul", &[q, k]);
    let root = n.number("root", ((WIDTH / HEADS) as f32).sqrt());
    let scores = n.plain("Div", &[scores, root]);
    let weights = n.op("Softmax", Attrs::new().with("axis", -1i64), &[scores]);
    let mixed = n.plain("MatMul", &[weights, v]);
    let mixed = n.op("Transpose", Attrs::new().with("perm", vec![0i64, 2, 1, 3]), &[mixed]);
    let join = n.list("join", &[0, 0, WIDTH as i64]);
    let mixed = n.plain("Reshape", &[mixed, join]);
    n.dense("mix", mixed, WIDTH, WIDTH)
}

fn layer_norm(n: &mut Net, name: &str, x: Value) -> Value {
    let axes = n.list(&format!("{name}.axes"), &[-1]);
    let mean = n.plain("ReduceMean", &[x, axes]);
    let centred = n.plain("Sub", &[x, mean]);
    let two = n.number(&format!("{name}.two"), 2.0);
    let square = n.plain("Pow", &[centred, two]);
    let variance = n.plain("ReduceMean", &[square, axes]);
    let epsilon = n.number(&format!("{name}.epsilon"), 1e-5);
    let variance = n.plain("Add", &[variance, epsilon]);
    let deviation = n.plain("Sqrt", &[variance]);
    let normal = n.plain("Div", &[centred, deviation]);
    let scale = n.spread(&format!("{name}.scale"), &[WIDTH], 1.0, 0.2);
    let bias = n.spread(&format!("{name}.bias"), &[WIDTH], 0.0, 0.2);
    let scaled = n.plain("Mul", &[normal, scale]);
    n.plain("Add", &[scaled, bias])
}

/// `x/2 * (1 + erf(x / sqrt 2))`.
fn gelu(n: &mut Net, x: Value) -> Value {
    let (root, one, half) = (n.number("gelu.root", 2f32.sqrt()), n.number("gelu.one", 1.0), n.number("gelu.half", 0.5));
    let e = n.plain("Div", &[x, root]);
    let e = n.plain("Erf", &[e]);
    let e = n.plain("Add", &[e, one]);
    let y = n.plain("Mul", &[x, e]);
    n.plain("Mul", &[y, half])
}
