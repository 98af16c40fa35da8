//! Any operator, as its samples use it.

use crate::builder::Builder;
use dlc_ir::{OpRef, ops};
use std::sync::LazyLock;

static SAMPLES: LazyLock<Vec<(OpRef, dlc_ir::Sample)>> =
    LazyLock::new(|| ops::OPS.iter().flat_map(|op| op.samples().into_iter().map(|s| (OpRef(*op), s))).collect());

pub fn sample(b: &mut Builder) -> Option<()> {
    let (op, s) = b.draw.pick(&SAMPLES);
    let mut x = vec![];
    for t in s.x {
        x.push(t.map(|t| {
            let small = !t.dtype().is_float() && t.rank() <= 1 && t.len() <= 16;
            if small { b.constant(t) } else { b.input(t) }
        }));
    }
    b.op(&op.full_name(), s.attrs, &x, s.outputs).map(drop)
}
