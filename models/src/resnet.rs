//! Residual blocks: He et al., "Deep residual learning for image recognition", 2016.

use crate::net::{Conv, Net};
use dlc_ir::{DType, Graph, Value};

/// 3x32x32 images: a stem, a block that keeps the size, a block that halves it, a classifier.
pub fn build(seed: u64) -> Graph {
    let mut n = Net::new("tiny_resnet", seed);
    let x = n.input("x", DType::F32, &["batch", "3", "32", "32"]);
    let x = unit(&mut n, "stem", x, Conv::new(3, 16, 3));
    let x = n.plain("Relu", &[x]);
    let x = block(&mut n, "block1", x, 16, 16, 1);
    let x = block(&mut n, "block2", x, 16, 32, 2);
    let x = n.plain("GlobalAveragePool", &[x]);
    let x = n.plain("Flatten", &[x]);
    let y = n.dense("classes", x, 32, 10);
    n.finish(&[("y", y)])
}

fn unit(n: &mut Net, name: &str, x: Value, c: Conv) -> Value {
    let x = n.conv(name, x, c);
    n.batch_norm(&format!("{name}.norm"), x, c.outputs)
}

fn block(n: &mut Net, name: &str, x: Value, inputs: usize, outputs: usize, stride: usize) -> Value {
    let a = unit(n, &format!("{name}.a"), x, Conv::new(inputs, outputs, 3).stride(stride));
    let a = n.plain("Relu", &[a]);
    let b = unit(n, &format!("{name}.b"), a, Conv::new(outputs, outputs, 3));
    let skip = match (inputs, stride) {
        (i, 1) if i == outputs => x,
        _ => unit(n, &format!("{name}.skip"), x, Conv::new(inputs, outputs, 1).stride(stride)),
    };
    let sum = n.plain("Add", &[b, skip]);
    n.plain("Relu", &[sum])
}
