//! Windows that slide: convolutions and poolings of one to three axes.

use crate::builder::Builder;
use dlc_ir::{Attrs, DType, Value};

/// An operand of rank 3 to 5 with `channels` a multiple of `of`.
fn image(b: &mut Builder, of: usize) -> Value {
    let rank = b.draw.pick(&[3usize, 4, 4, 4, 5]);
    let most = if rank == 5 { 4 } else { 7 };
    b.want(
        DType::F32,
        |s| (3..=5).contains(&s.len()) && s[1] % of == 0 && s.iter().all(|d| *d > 0),
        |d| {
            let mut s = vec![d.range(1, 2) as usize, of * d.range(1, if of > 1 { 2 } else { 5 }) as usize];
            s.extend((2..rank).map(|_| d.range(1, most) as usize));
            s
        },
    )
}

/// Attributes of a window over `n` axes with this kernel.
fn window(b: &mut Builder, kernel: &[i64], dilate: bool) -> Attrs {
    let n = kernel.len();
    let mut attrs = Attrs::new();
    if b.draw.chance(50) {
        attrs = attrs.with("strides", b.draw.ints(n, 1, 3));
    }
    if dilate && b.draw.chance(30) {
        attrs = attrs.with("dilations", b.draw.ints(n, 1, 2));
    }
    match b.draw.below(5) {
        0 => attrs = attrs.with("auto_pad", b.draw.pick(&["SAME_UPPER", "SAME_LOWER", "VALID"])),
        1 | 2 => {
            let most = *kernel.iter().min().unwrap_or(&1) - 1;
            attrs = attrs.with("pads", b.draw.ints(2 * n, 0, most.max(0)));
        }
        _ => {}
    }
    attrs
}

pub fn conv(b: &mut Builder) -> Option<()> {
    let group = b.draw.pick(&[1usize, 1, 1, 2, 3]);
    let x = image(b, group);
    let s = b.shape(x);
    let group = if b.draw.chance(15) { s[1] } else { group };
    let n = s.len() - 2;
    let kernel = b.draw.ints(n, 1, 3);
    // Many filters are another order of channels in memory.
    let each = if group == 1 && b.draw.chance(25) { (16, 35) } else { (1, if group > 2 { 2 } else { 5 }) };
    let out = group * b.draw.range(each.0, each.1) as usize;
    let mut w = vec![out, s[1] / group];
    w.extend(kernel.iter().map(|k| *k as usize));
    let w = if b.draw.chance(85) {
        let t = b.draw.tensor(DType::F32, &w);
        b.constant(t)
    } else {
        b.exactly(DType::F32, &w)
    };
    let bias = b.draw.chance(50).then(|| b.exactly(DType::F32, &[out]));
    let mut attrs = window(b, &kernel, true);
    if group > 1 {
        attrs = attrs.with("group", group);
    }
    if b.draw.chance(50) {
        attrs = attrs.with("kernel_shape", kernel);
    }
    b.op("Conv", attrs, &[Some(x), Some(w), bias], 1).map(drop)
}

pub fn conv_transpose(b: &mut Builder) -> Option<()> {
    let group = b.draw.pick(&[1usize, 1, 2]);
    let x = image(b, group);
    let s = b.shape(x);
    let n = s.len() - 2;
    let kernel = b.draw.ints(n, 1, 3);
    let per = b.draw.range(1, 3) as usize;
    let mut w = vec![s[1], per];
    w.extend(kernel.iter().map(|k| *k as usize));
    let w = b.exactly(DType::F32, &w);
    let bias = b.draw.chance(50).then(|| b.exactly(DType::F32, &[per * group]));
    let mut attrs = window(b, &kernel, true);
    if group > 1 {
        attrs = attrs.with("group", group);
    }
    if b.draw.chance(30) {
        attrs = attrs.with("strides", vec![2i64; n]).with("output_padding", b.draw.ints(n, 0, 1));
    }
    b.op("ConvTranspose", attrs, &[Some(x), Some(w), bias], 1).map(drop)
}

pub fn pool(b: &mut Builder) -> Option<()> {
    let x = image(b, 1);
    let n = b.shape(x).len() - 2;
    let kernel = b.draw.ints(n, 1, 3);
    let mut attrs = window(b, &kernel, true).with("kernel_shape", kernel);
    if b.draw.chance(30) {
        attrs = attrs.with("ceil_mode", 1i64);
    }
    let op = b.draw.pick(&["MaxPool", "AveragePool", "LpPool", "MaxPool", "AveragePool"]);
    if op == "AveragePool" && b.draw.chance(50) {
        attrs = attrs.with("count_include_pad", 1i64);
    }
    if op == "LpPool" && b.draw.chance(50) {
        attrs = attrs.with("p", b.draw.range(1, 3));
    }
    let outputs = if op == "MaxPool" && b.draw.chance(30) { 2 } else { 1 };
    if outputs == 2 && b.draw.chance(30) {
        attrs = attrs.with("storage_order", 1i64);
    }
    b.op(op, attrs, &[Some(x)], outputs).map(drop)
}

pub fn global_pool(b: &mut Builder) -> Option<()> {
    let x = image(b, 1);
    let op = b.draw.pick(&["GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"]);
    b.apply(op, Attrs::new(), &[x]).map(drop)
}
