//! Samples between samples, and spectra.

use crate::builder::Builder;
use dlc_ir::{Attrs, DType, Tensor};

pub fn resize(b: &mut Builder) -> Option<()> {
    let x = b.of(DType::F32, 2, 4);
    let s = b.shape(x);
    let mode = b.draw.pick(&["nearest", "linear", "cubic"]);
    let transform = b.draw.pick(&[
        "half_pixel",
        "asymmetric",
        "align_corners",
        "pytorch_half_pixel",
        "half_pixel_symmetric",
        "tf_crop_and_resize",
    ]);
    let mut attrs = Attrs::new().with("mode", mode).with("coordinate_transformation_mode", transform);
    if mode == "nearest" {
        attrs = attrs.with("nearest_mode", b.draw.pick(&["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]));
    }
    if mode == "cubic" && b.draw.chance(50) {
        attrs = attrs.with("exclude_outside", 1i64).with("cubic_coeff_a", -0.5f32);
    }
    if mode != "nearest" && b.draw.chance(20) {
        attrs = attrs.with("antialias", 1i64);
    }
    // Linear and cubic resizing is of the last axes, as everywhere.
    let keep = if mode == "nearest" && b.draw.chance(50) { 0 } else { s.len().saturating_sub(2) };
    let roi = (transform == "tf_crop_and_resize").then(|| {
        let mut v = vec![0.0f32; s.len()];
        v.extend((0..s.len()).map(|a| if a < keep { 1.0 } else { 0.75 }));
        b.constant(Tensor::f32(&[2 * s.len()], &v))
    });
    if b.draw.chance(50) {
        let v: Vec<f32> = (0..s.len())
            .map(|a| if a < keep { 1.0 } else { b.draw.pick(&[0.5f32, 0.6, 1.0, 1.5, 2.0, 2.5, 3.0]) })
            .collect();
        let scales = b.constant(Tensor::f32(&[s.len()], &v));
        return b.op("Resize", attrs, &[Some(x), roi, Some(scales)], 1).map(drop);
    }
    let v: Vec<i64> = (0..s.len()).map(|a| if a < keep { s[a] as i64 } else { b.draw.range(1, 8) }).collect();
    let sizes = b.ints(&v);
    b.op("Resize", attrs, &[Some(x), roi, None, Some(sizes)], 1).map(drop)
}

pub fn grid_sample(b: &mut Builder) -> Option<()> {
    let [n, c, h, w, oh, ow] = [2, 3, 5, 4, 4, 3].map(|d| b.draw.range(1, d) as usize);
    let (x, grid) = (b.exactly(DType::F32, &[n, c, h, w]), b.exactly(DType::F32, &[n, oh, ow, 2]));
    let attrs = Attrs::new().with("mode", b.draw.pick(&["linear", "nearest", "cubic"]));
    let attrs = attrs.with("padding_mode", b.draw.pick(&["zeros", "border", "reflection"]));
    let attrs = attrs.with("align_corners", b.draw.chance(50));
    b.apply("GridSample", attrs, &[x, grid]).map(drop)
}

pub fn dft(b: &mut Builder) -> Option<()> {
    let complex = b.draw.chance(50);
    let shape = vec![b.draw.range(1, 3) as usize, b.draw.range(1, 8) as usize, if complex { 2 } else { 1 }];
    let x = b.exactly(DType::F32, &shape);
    let length = b.draw.range(1, 9);
    let length = b.draw.chance(40).then(|| b.constant(Tensor::i64(&[], &[length])));
    let axis = b.constant(Tensor::i64(&[], &[1]));
    let attrs = match b.draw.below(3) {
        0 => Attrs::new().with("inverse", 1i64),
        1 if !complex => Attrs::new().with("onesided", 1i64),
        _ => Attrs::new(),
    };
    b.op("DFT", attrs, &[Some(x), length, Some(axis)], 1).map(drop)
}
