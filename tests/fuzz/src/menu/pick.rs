//! Elements by index.

use crate::builder::Builder;
use dlc_ir::{Attrs, DType, Num, Tensor};

fn indices(b: &mut Builder, shape: &[usize], extent: usize) -> Option<dlc_ir::Value> {
    if extent == 0 {
        return None;
    }
    let n: usize = shape.iter().product();
    let d = extent as i64;
    let v: Vec<Num> = (0..n).map(|_| Num::I(b.draw.range(-d, d - 1) as i128)).collect();
    let dtype = b.draw.pick(&[DType::I64, DType::I64, DType::I32]);
    let t = Tensor::new(dtype, shape, v);
    Some(if b.draw.chance(50) { b.constant(t) } else { b.input(t) })
}

pub fn gather(b: &mut Builder) -> Option<()> {
    let x = b.floats(1, 4);
    let s = b.shape(x);
    let axis = b.draw.below(s.len());
    let rank = b.draw.below(3);
    match b.draw.below(4) {
        0 => {
            let mut at = s.clone();
            at.iter_mut().enumerate().for_each(|(a, d)| {
                *d = if a == axis { b.draw.range(1, 4) as usize } else { b.draw.range(1, (*d).max(1) as i64) as usize }
            });
            let i = indices(b, &at, s[axis])?;
            b.apply("GatherElements", Attrs::new().with("axis", axis as i64), &[x, i]).map(drop)
        }
        1 => {
            let depth = b.draw.range(1, s.len() as i64) as usize;
            let smallest = *s[..depth].iter().min()?;
            let n = b.draw.range(1, 4) as usize;
            let i = indices(b, &[n, depth], smallest)?;
            b.apply("GatherND", Attrs::new(), &[x, i]).map(drop)
        }
        _ => {
            let shape = b.draw.shape(rank);
            let i = indices(b, &shape, s[axis])?;
            let axis = axis as i64 - if b.draw.chance(50) { s.len() as i64 } else { 0 };
            b.apply("Gather", Attrs::new().with("axis", axis), &[x, i]).map(drop)
        }
    }
}

pub fn scatter(b: &mut Builder) -> Option<()> {
    let x = b.floats(1, 3);
    let t = b.tensor(x);
    let s = t.shape().to_vec();
    let reduction = b.draw.pick(&["none", "add", "mul", "max", "min"]);
    if b.draw.chance(50) {
        let depth = b.draw.range(1, s.len() as i64) as usize;
        // An index twice has no order unless updates are reduced.
        let n = if reduction == "none" { 1 } else { b.draw.range(1, 4) as usize };
        let i = indices(b, &[n, depth], *s[..depth].iter().min()?)?;
        let mut shape = vec![n];
        shape.extend(&s[depth..]);
        let u = b.exactly(t.dtype(), &shape);
        return b.apply("ScatterND", Attrs::new().with("reduction", reduction), &[x, i, u]).map(drop);
    }
    let axis = b.draw.below(s.len());
    let mut at = s.clone();
    at[axis] = if reduction == "none" { 1 } else { b.draw.range(1, 4) as usize };
    let i = indices(b, &at, s[axis])?;
    let u = b.exactly(t.dtype(), &at);
    let attrs = Attrs::new().with("axis", axis as i64).with("reduction", reduction);
    b.apply("ScatterElements", attrs, &[x, i, u]).map(drop)
}

pub fn top_k(b: &mut Builder) -> Option<()> {
    let x = b.floats(1, 4);
    let s = b.shape(x);
    let axis = b.draw.below(s.len());
    let k = b.draw.range(0, s[axis] as i64);
    let k = b.ints(&[k]);
    let attrs = Attrs::new().with("axis", axis as i64).with("largest", b.draw.chance(60));
    b.op("TopK", attrs, &[Some(x), Some(k)], 2).map(drop)
}

pub fn one_hot(b: &mut Builder) -> Option<()> {
    if b.draw.chance(50) {
        let x = b.of(DType::F32, 2, 4);
        let k = b.draw.range(-2, 2);
        let k = b.constant(Tensor::i64(&[], &[k]));
        let attrs = Attrs::new().with("upper", b.draw.chance(50));
        return b.apply("Trilu", attrs, &[x, k]).map(drop);
    }
    let shape = b.draw.shape(2);
    let depth = b.draw.range(1, 5);
    let i = indices(b, &shape, depth as usize)?;
    let depth = b.constant(Tensor::i64(&[], &[depth]));
    let values = b.exactly(DType::F32, &[2]);
    let attrs = Attrs::new().with("axis", b.draw.range(-1, 2));
    b.apply("OneHot", attrs, &[i, depth, values]).map(drop)
}
