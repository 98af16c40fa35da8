//! Two scales of an encoder-decoder with a skip connection: Ronneberger et al., "U-Net", 2015.

use crate::net::{Conv, Net};
use dlc_ir::{Attrs, DType, Graph, Value};

/// A mask in 0..1 for images of any size; the coarse scale is resized to the size of the fine one.
pub fn build(seed: u64) -> Graph {
    let mut n = Net::new("pyramid", seed);
    let x = n.input("image", DType::F32, &["batch", "3", "height", "width"]);
    let fine = block(&mut n, "fine", x, 3, 8);
    let pool = Attrs::new().with("kernel_shape", vec![2i64; 2]).with("strides", vec![2i64; 2]).with("ceil_mode", 1i64);
    let coarse = n.op("MaxPool", pool, &[fine]);
    let coarse = block(&mut n, "coarse", coarse, 8, 16);
    let coarse = resize_like(&mut n, coarse, fine);
    let both = n.op("Concat", Attrs::new().with("axis", 1i64), &[fine, coarse]);
    let both = block(&mut n, "merge", both, 24, 8);
    let mask = n.conv("mask", both, Conv { inputs: 8, outputs: 1, size: 1, stride: 1, groups: 1 });
    let mask = n.plain("Sigmoid", &[mask]);
    n.finish(&[("mask", mask)])
}

fn block(n: &mut Net, name: &str, x: Value, inputs: usize, outputs: usize) -> Value {
    let y = n.conv(name, x, Conv { inputs, outputs, size: 3, stride: 1, groups: 1 });
    let y = n.batch_norm(&format!("{name}.norm"), y, outputs);
    n.plain("Relu", &[y])
}

/// `x` with the last two sizes of `like`, taken from its shape as exporters do.
fn resize_like(n: &mut Net, x: Value, like: Value) -> Value {
    let channels = n.op("Shape", Attrs::new().with("end", 2i64), &[x]);
    let size = n.op("Shape", Attrs::new().with("start", 2i64), &[like]);
    let sizes = n.op("Concat", Attrs::new().with("axis", 0i64), &[channels, size]);
    let attrs = Attrs::new().with("mode", "linear").with("coordinate_transformation_mode", "half_pixel");
    n.results("Resize", attrs, vec![Some(x), None, None, Some(sizes)], 1)[0]
}
