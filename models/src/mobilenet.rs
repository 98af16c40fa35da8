//! Inverted residuals: Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks", 2018.

use crate::net::{Conv, Net};
use dlc_ir::{DType, Graph, Value};

/// 3x32x32 images: a stem, two inverted residuals, a classifier.
pub fn build(seed: u64) -> Graph {
    let mut n = Net::new("tiny_mobilenet", seed);
    let x = n.input("x", DType::F32, &["batch", "3", "32", "32"]);
    let x = n.conv("stem", x, Conv::new(3, 16, 3).stride(2));
    let x = n.batch_norm("stem.norm", x, 16);
    let (low, high) = (n.number("zero", 0.0), n.number("six", 6.0));
    let mut relu6 = |n: &mut Net, x: Value| n.plain("Clip", &[x, low, high]);
    let x = relu6(&mut n, x);
    let x = inverted(&mut n, "block1", x, 16, 16, 1, &mut relu6);
    let x = inverted(&mut n, "block2", x, 16, 24, 2, &mut relu6);
    let x = n.plain("GlobalAveragePool", &[x]);
    let x = n.plain("Flatten", &[x]);
    let y = n.dense("classes", x, 24, 10);
    n.finish(&[("y", y)])
}

/// Expand, filter each channel, project; the operand is added where the shape stays.
fn inverted(
    n: &mut Net,
    name: &str,
    x: Value,
    inputs: usize,
    outputs: usize,
    stride: usize,
    relu6: &mut dyn FnMut(&mut Net, Value) -> Value,
) -> Value {
    let wide = 4 * inputs;
    let a = n.conv(&format!("{name}.expand"), x, Conv::new(inputs, wide, 1));
    let a = n.batch_norm(&format!("{name}.expand.norm"), a, wide);
    let a = relu6(n, a);
    let b = n.conv(&format!("{name}.filter"), a, Conv::new(wide, wide, 3).stride(stride).depthwise());
    let b = n.batch_norm(&format!("{name}.filter.norm"), b, wide);
    let b = relu6(n, b);
    let c = n.conv(&format!("{name}.project"), b, Conv::new(wide, outputs, 1));
    let c = n.batch_norm(&format!("{name}.project.norm"), c, outputs);
    if inputs == outputs && stride == 1 { n.plain("Add", &[x, c]) } else { c }
}
