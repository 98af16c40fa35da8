//! LeNet-5: LeCun et al., "Gradient-based learning applied to document recognition", 1998; with ReLU and max pooling.

use crate::net::{Conv, Net};
use dlc_ir::{Attrs, DType, Graph, Value};

/// 1x28x28 images into 10 classes.
pub fn build(seed: u64) -> Graph {
    let mut n = Net::new("lenet", seed);
    let x = n.input("x", DType::F32, &["batch", "1", "28", "28"]);
    let x = stage(&mut n, "conv1", x, Conv::new(1, 6, 5));
    let x = stage(&mut n, "conv2", x, Conv::new(6, 16, 5));
    let x = n.plain("Flatten", &[x]);
    let x = n.dense("fc1", x, 16 * 7 * 7, 120);
    let x = n.plain("Relu", &[x]);
    let x = n.dense("fc2", x, 120, 84);
    let x = n.plain("Relu", &[x]);
    let y = n.dense("fc3", x, 84, 10);
    n.finish(&[("y", y)])
}

fn stage(n: &mut Net, name: &str, x: Value, c: Conv) -> Value {
    let x = n.conv(name, x, c);
    let x = n.plain("Relu", &[x]);
    let pool = Attrs::new().with("kernel_shape", vec![2i64, 2]).with("strides", vec![2i64, 2]);
    n.op("MaxPool", pool, &[x])
}
