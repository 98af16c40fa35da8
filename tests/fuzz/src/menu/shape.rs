//! The same elements elsewhere.

use crate::builder::Builder;
use dlc_ir::{Attrs, DType, Tensor, Value};

/// Elements of any type.
fn any(b: &mut Builder, lo: usize, hi: usize) -> Value {
    match b.draw.below(6) {
        0 => b.of(DType::I64, lo, hi),
        1 => b.of(DType::U8, lo, hi),
        _ => b.floats(lo, hi),
    }
}

pub fn transpose(b: &mut Builder) -> Option<()> {
    let x = any(b, 0, 5);
    let rank = b.shape(x).len();
    let perm: Vec<i64> = b.draw.order(rank).iter().map(|p| *p as i64).collect();
    let attrs = if b.draw.chance(85) { Attrs::new().with("perm", perm) } else { Attrs::new() };
    b.apply("Transpose", attrs, &[x]).map(drop)
}

/// Sizes whose product is `n`.
fn split_up(b: &mut Builder, mut n: usize) -> Vec<i64> {
    let mut out = vec![];
    while n > 1 && out.len() < 4 {
        let divisors: Vec<usize> = (1..=n).filter(|d| n.is_multiple_of(*d)).collect();
        let d = if out.len() == 3 { n } else { b.draw.pick(&divisors) };
        out.push(d as i64);
        n /= d;
    }
    if n > 1 {
        out.push(n as i64);
    }
    out
}

pub fn reshape(b: &mut Builder) -> Option<()> {
    let x = any(b, 0, 5);
    let shape = b.shape(x);
    let mut to = match b.draw.chance(30) {
        true => shape.iter().map(|d| *d as i64).collect(),
        false => split_up(b, shape.iter().product()),
    };
    if !to.is_empty() && b.draw.chance(50) {
        let at = b.draw.below(to.len());
        to[at] = -1;
    }
    for i in 0..to.len().min(shape.len()) {
        if to[i] == shape[i] as i64 && b.draw.chance(30) {
            to[i] = 0;
        }
    }
    let to = b.ints(&to);
    b.apply("Reshape", Attrs::new(), &[x, to]).map(drop)
}

/// As exporters write it: the sizes come from another tensor.
pub fn reshape_by_shape(b: &mut Builder) -> Option<()> {
    let x = any(b, 2, 4);
    let shape = b.shape(x);
    if shape.contains(&0) {
        // A size 0 in the target means "as it was"; that a size which is only known at run time is 0 is not foreseen.
        return None;
    }
    let rank = shape.len() as i64;
    let s = b.apply("Shape", Attrs::new(), &[x])?;
    let keep = b.draw.range(0, rank - 1);
    let index = b.ints(&[keep]);
    let first = b.apply("Gather", Attrs::new().with("axis", 0i64), &[s, index])?;
    let rest = b.ints(&[-1]);
    let to = b.apply("Concat", Attrs::new().with("axis", 0i64), &[first, rest])?;
    b.apply("Reshape", Attrs::new(), &[x, to]).map(drop)
}

pub fn axes(b: &mut Builder) -> Option<()> {
    let x = any(b, 0, 4);
    let shape = b.shape(x);
    let ones: Vec<i64> = (0..shape.len()).filter(|a| shape[*a] == 1).map(|a| a as i64).collect();
    match b.draw.below(3) {
        0 if !ones.is_empty() => {
            let axes = b.draw.chance(70).then(|| b.ints(&ones));
            b.op("Squeeze", Attrs::new(), &[Some(x), axes], 1).map(drop)
        }
        1 => {
            let axis = b.draw.range(0, shape.len() as i64);
            b.apply("Flatten", Attrs::new().with("axis", axis), &[x]).map(drop)
        }
        _ => {
            let mut list = vec![b.draw.range(0, shape.len() as i64)];
            if b.draw.chance(30) {
                list.push(-1);
            }
            let axes = b.ints(&list);
            b.apply("Unsqueeze", Attrs::new(), &[x, axes]).map(drop)
        }
    }
}

pub fn expand(b: &mut Builder) -> Option<()> {
    let x = any(b, 0, 4);
    let shape = b.shape(x);
    if b.draw.chance(40) {
        let repeats = b.draw.ints(shape.len(), 1, 3);
        let repeats = b.ints(&repeats);
        return b.apply("Tile", Attrs::new(), &[x, repeats]).map(drop);
    }
    let mut to: Vec<i64> = shape.iter().map(|d| if *d == 1 { b.draw.range(1, 4) } else { *d as i64 }).collect();
    if b.draw.chance(40) {
        to.insert(0, b.draw.range(1, 3));
    }
    let to = b.ints(&to);
    b.apply("Expand", Attrs::new(), &[x, to]).map(drop)
}

pub fn concat(b: &mut Builder) -> Option<()> {
    let x = any(b, 1, 4);
    let t = b.tensor(x);
    let axis = b.draw.below(t.rank());
    let mut all = vec![x];
    for _ in 0..b.draw.range(1, 2) {
        let fits = |s: &[usize]| s.len() == t.rank() && (0..t.rank()).all(|a| a == axis || s[a] == t.shape()[a]);
        all.push(b.want(t.dtype(), fits, |d| {
            let mut s = t.shape().to_vec();
            s[axis] = d.range(1, 4) as usize;
            s
        }));
    }
    let order = b.draw.order(all.len());
    let all: Vec<Value> = order.iter().map(|i| all[*i]).collect();
    let axis = if b.draw.chance(50) { axis as i64 } else { axis as i64 - t.rank() as i64 };
    b.apply("Concat", Attrs::new().with("axis", axis), &all).map(drop)
}

pub fn split(b: &mut Builder) -> Option<()> {
    let x = any(b, 1, 4);
    let shape = b.shape(x);
    let axis = b.draw.below(shape.len());
    let attrs = Attrs::new().with("axis", axis as i64);
    if b.draw.chance(50) {
        let n = b.draw.range(1, (shape[axis] as i64).min(3));
        return b.op("Split", attrs.with("num_outputs", n), &[Some(x)], n as usize).map(drop);
    }
    let first = b.draw.range(0, shape[axis] as i64);
    let sizes = b.ints(&[first, shape[axis] as i64 - first]);
    b.op("Split", attrs, &[Some(x), Some(sizes)], 2).map(drop)
}

pub fn slice(b: &mut Builder) -> Option<()> {
    let x = any(b, 1, 5);
    let shape = b.shape(x);
    let n = b.draw.range(1, shape.len() as i64) as usize;
    let axes: Vec<i64> = b.draw.order(shape.len())[..n].iter().map(|a| *a as i64).collect();
    let (mut starts, mut ends, mut steps) = (vec![], vec![], vec![]);
    for a in &axes {
        let d = shape[*a as usize] as i64;
        let step = b.draw.pick(&[1, 1, 1, 2, -1, -2, 3]);
        let (lo, hi) = (b.draw.range(-d - 1, d), b.draw.range(-d - 1, d + 1));
        starts.push(if b.draw.chance(20) { if step > 0 { 0 } else { i64::MAX } } else { lo });
        ends.push(if b.draw.chance(30) { if step > 0 { i64::MAX } else { i64::MIN + 1 } } else { hi });
        steps.push(step);
    }
    let default = (0..n as i64).eq(axes.iter().copied()) && b.draw.chance(50);
    let (s, e) = (b.ints(&starts), b.ints(&ends));
    let axes = (!default).then(|| b.ints(&axes));
    let steps = (steps.iter().any(|s| *s != 1) || b.draw.chance(50)).then(|| b.ints(&steps));
    b.op("Slice", Attrs::new(), &[Some(x), Some(s), Some(e), axes, steps], 1).map(drop)
}

pub fn pad(b: &mut Builder) -> Option<()> {
    let x = b.floats(1, 4);
    let t = b.tensor(x);
    let mode = b.draw.pick(&["constant", "constant", "reflect", "edge", "wrap"]);
    let lo = if mode == "constant" && b.draw.chance(30) { -1 } else { 0 };
    let pads = b.draw.ints(2 * t.rank(), lo, 2);
    let pads = b.ints(&pads);
    let value = (mode == "constant" && b.draw.chance(50)).then(|| b.constant(Tensor::f32(&[], &[1.5]).cast(t.dtype())));
    b.op("Pad", Attrs::new().with("mode", mode), &[Some(x), Some(pads), value], 1).map(drop)
}

pub fn space(b: &mut Builder) -> Option<()> {
    if b.draw.chance(50) {
        let x = b.want(DType::F32, |s| s.len() == 4 && s[1] % 4 == 0, |d| vec![1, 4 * d.range(1, 2) as usize, 2, 3]);
        let mode = b.draw.pick(&["DCR", "CRD"]);
        return b.apply("DepthToSpace", Attrs::new().with("blocksize", 2i64).with("mode", mode), &[x]).map(drop);
    }
    let fits = |s: &[usize]| s.len() == 4 && s[2].is_multiple_of(2) && s[3].is_multiple_of(2);
    let x = b.want(DType::F32, fits, |d| vec![1, d.range(1, 3) as usize, 2, 4]);
    b.apply("SpaceToDepth", Attrs::new().with("blocksize", 2i64), &[x]).map(drop)
}
