//! Quantized elements.

use crate::builder::Builder;
use crate::draw::Draw;
use dlc_ir::{Attrs, DType, Num, Tensor, Value};

/// Scales that are powers of two or not, `n` of them or one.
fn scales(b: &mut Builder, shape: &[usize]) -> Value {
    let n = shape.iter().product();
    let exact = b.draw.chance(50);
    let one = |d: &mut Draw| if exact { d.pick(&[0.125, 0.25, 0.5]) } else { d.range(1, 60) as f64 / 97.0 };
    let v: Vec<Num> = (0..n).map(|_| Num::F(one(&mut b.draw))).collect();
    b.constant(Tensor::new(DType::F32, shape, v))
}

fn zeros(b: &mut Builder, dtype: DType, shape: &[usize]) -> Value {
    let (lo, hi) = if dtype == DType::U8 { (90, 160) } else { (-20, 20) };
    let n = shape.iter().product();
    let v: Vec<Num> = (0..n).map(|_| Num::I(b.draw.range(lo, hi) as i128)).collect();
    b.constant(Tensor::new(dtype, shape, v))
}

pub fn there_and_back(b: &mut Builder) -> Option<()> {
    let x = b.of(DType::F32, 1, 4);
    let s = b.shape(x);
    let dtype = b.draw.pick(&[DType::I8, DType::U8]);
    if b.draw.chance(20) {
        return b.op("DynamicQuantizeLinear", Attrs::new(), &[Some(x)], 3).map(drop);
    }
    let axis = b.draw.below(s.len());
    let each = b.draw.chance(40);
    let shape = if each { vec![s[axis]] } else { vec![] };
    let attrs = if each { Attrs::new().with("axis", axis as i64) } else { Attrs::new() };
    let (scale, zero) = (scales(b, &shape), zeros(b, dtype, &shape));
    let q = b.apply("QuantizeLinear", attrs.clone(), &[x, scale, zero])?;
    if b.draw.chance(80) {
        b.apply("DequantizeLinear", attrs, &[q, scale, zero])?;
    }
    Some(())
}

pub fn qlinear(b: &mut Builder) -> Option<()> {
    let dtype = b.draw.pick(&[DType::I8, DType::U8]);
    let one = |b: &mut Builder| (scales(b, &[]), zeros(b, dtype, &[]));
    match b.draw.below(4) {
        0 => {
            let [m, k, n] = [4, 5, 6].map(|d| b.draw.range(1, d) as usize);
            let (x, w) = (b.exactly(dtype, &[m, k]), b.exactly(dtype, &[k, n]));
            let ((xs, xz), (ws, wz), (ys, yz)) = (one(b), one(b), one(b));
            b.apply("QLinearMatMul", Attrs::new(), &[x, xs, xz, w, ws, wz, ys, yz]).map(drop)
        }
        1 => {
            let [m, k, n] = [4, 5, 6].map(|d| b.draw.range(1, d) as usize);
            let (x, w) = (b.exactly(dtype, &[m, k]), b.exactly(DType::I8, &[k, n]));
            let (xz, wz) = (zeros(b, dtype, &[]), zeros(b, DType::I8, &[]));
            b.apply("MatMulInteger", Attrs::new(), &[x, w, xz, wz]).map(drop)
        }
        2 => {
            let [c, o, h] = [3, 4, 5].map(|d| b.draw.range(1, d) as usize);
            let (x, w) = (b.exactly(dtype, &[1, c, h, 4]), b.exactly(DType::I8, &[o, c, 1, 2]));
            let (xz, wz) = (zeros(b, dtype, &[]), zeros(b, DType::I8, &[]));
            let attrs = Attrs::new().with("pads", b.draw.ints(4, 0, 1)).with("strides", b.draw.ints(2, 1, 2));
            b.apply("ConvInteger", attrs, &[x, w, xz, wz]).map(drop)
        }
        _ => {
            let [c, o, h] = [3, 4, 5].map(|d| b.draw.range(1, d) as usize);
            let (x, w) = (b.exactly(dtype, &[1, c, h, 4]), b.exactly(DType::I8, &[o, c, 2, 1]));
            let ((xs, xz), (ys, yz)) = (one(b), one(b));
            let wide = if b.draw.chance(50) { vec![o] } else { vec![] };
            let ws = scales(b, &wide);
            let zero = Tensor::new(DType::I8, &wide, vec![Num::I(0); wide.iter().product()]);
            let wz = b.constant(zero);
            let bias = b.draw.chance(50).then(|| b.exactly(DType::I32, &[o]));
            let attrs = Attrs::new().with("pads", b.draw.ints(4, 0, 1)).with("strides", b.draw.ints(2, 1, 2));
            let x = [x, xs, xz, w, ws, wz, ys, yz].map(Some);
            b.op("QLinearConv", attrs, &[&x[..], &[bias]].concat(), 1).map(drop)
        }
    }
}
