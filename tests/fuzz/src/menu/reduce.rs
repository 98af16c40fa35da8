//! Many elements to one.

use crate::builder::Builder;
use dlc_ir::{Attrs, Tensor};

pub fn reduce(b: &mut Builder) -> Option<()> {
    let x = b.floats(0, 5);
    let rank = b.shape(x).len();
    let op = b.draw.pick(&[
        "ReduceSum",
        "ReduceMean",
        "ReduceMax",
        "ReduceMin",
        "ReduceProd",
        "ReduceL1",
        "ReduceL2",
        "ReduceSumSquare",
        "ReduceLogSumExp",
        "ReduceLogSum",
        "ReduceSum",
        "ReduceMean",
    ]);
    let attrs = Attrs::new().with("keepdims", b.draw.chance(50));
    let some = b.draw.below(rank + 1);
    let chosen: Vec<i64> = b.draw.order(rank)[..some]
        .iter()
        .map(|a| *a as i64 - if b.draw.chance(50) { rank as i64 } else { 0 })
        .collect();
    let axes = (!b.draw.chance(15)).then(|| b.ints(&chosen));
    let attrs = if b.draw.chance(20) { attrs.with("noop_with_empty_axes", 1i64) } else { attrs };
    b.op(op, attrs, &[Some(x), axes], 1).map(drop)
}

pub fn cumulative(b: &mut Builder) -> Option<()> {
    let x = b.floats(1, 4);
    let rank = b.shape(x).len() as i64;
    let axis = b.draw.range(-rank, rank - 1);
    let axis = b.constant(Tensor::i64(&[], &[axis]));
    let attrs = Attrs::new().with("exclusive", b.draw.chance(50)).with("reverse", b.draw.chance(50));
    let op = b.draw.pick(&["CumSum", "CumSum", "CumProd"]);
    b.apply(op, attrs, &[x, axis]).map(drop)
}

pub fn arg(b: &mut Builder) -> Option<()> {
    let x = b.floats(1, 4);
    let rank = b.shape(x).len() as i64;
    let attrs = Attrs::new().with("axis", b.draw.range(-rank, rank - 1)).with("keepdims", b.draw.chance(50));
    let attrs = attrs.with("select_last_index", b.draw.chance(50));
    let op = b.draw.pick(&["ArgMax", "ArgMin"]);
    b.apply(op, attrs, &[x]).map(drop)
}
