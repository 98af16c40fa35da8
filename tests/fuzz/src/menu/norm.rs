//! Normalizations.

use crate::builder::Builder;
use dlc_ir::{Attrs, DType, Num, Tensor};

pub fn softmax(b: &mut Builder) -> Option<()> {
    let x = b.floats(1, 4);
    let rank = b.shape(x).len() as i64;
    let op = b.draw.pick(&["Softmax", "Softmax", "LogSoftmax", "Hardmax", "LpNormalization"]);
    let attrs = Attrs::new().with("axis", b.draw.range(-rank, rank - 1));
    b.apply(op, attrs, &[x]).map(drop)
}

pub fn layer_norm(b: &mut Builder) -> Option<()> {
    let x = b.of(DType::F32, 1, 4);
    let s = b.shape(x);
    let rms = b.draw.chance(40);
    let axis = b.draw.below(s.len());
    let over = s[axis..].to_vec();
    let scale = b.exactly(DType::F32, &over);
    let bias = (!rms && b.draw.chance(60)).then(|| b.exactly(DType::F32, &over));
    let attrs = Attrs::new().with("axis", axis as i64 - if b.draw.chance(50) { s.len() as i64 } else { 0 });
    let attrs = attrs.with("epsilon", b.draw.pick(&[1e-5f32, 1e-3, 0.1]));
    let op = if rms { "RMSNormalization" } else { "LayerNormalization" };
    b.op(op, attrs, &[Some(x), Some(scale), bias], 1).map(drop)
}

pub fn batch_norm(b: &mut Builder) -> Option<()> {
    let x = b.want(
        DType::F32,
        |s| s.len() >= 3,
        |d| {
            let rank = d.range(3, 4) as usize;
            d.shape(rank)
        },
    );
    let c = b.shape(x)[1];
    if c == 0 {
        return None;
    }
    let epsilon = b.draw.pick(&[1e-5f32, 1e-3, 0.1]);
    let mut of = |n: usize| b.exactly(DType::F32, &[n]);
    let (scale, bias, mean) = (of(c), of(c), of(c));
    let attrs = Attrs::new().with("epsilon", epsilon);
    match b.draw.below(4) {
        0 => return b.apply("InstanceNormalization", attrs, &[x, scale, bias]).map(drop),
        1 => {
            let groups = (1..=c).filter(|g| c.is_multiple_of(*g)).collect::<Vec<_>>();
            let attrs = attrs.with("num_groups", b.draw.pick(&groups));
            return b.apply("GroupNormalization", attrs, &[x, scale, bias]).map(drop);
        }
        _ => {}
    }
    let variance: Vec<Num> = (0..c).map(|_| Num::F(b.draw.range(1, 40) as f64 / 8.0)).collect();
    let variance = b.constant(Tensor::new(DType::F32, &[c], variance));
    b.apply("BatchNormalization", attrs, &[x, scale, bias, mean, variance]).map(drop)
}

pub fn lrn(b: &mut Builder) -> Option<()> {
    let x = b.of(DType::F32, 3, 4);
    if b.draw.chance(40) {
        return b.apply("MeanVarianceNormalization", Attrs::new().with("axes", vec![0i64, 2]), &[x]).map(drop);
    }
    let attrs = Attrs::new().with("size", b.draw.range(1, 4)).with("alpha", 0.5f32).with("bias", 1.5f32);
    b.apply("LRN", attrs, &[x]).map(drop)
}
