//! Any operator, as its samples use it.

use crate::builder::Builder;
use dlc_ir::{Op, OpRef, Sample, ops};
use std::sync::LazyLock;

static SAMPLES: LazyLock<Vec<(OpRef, Sample)>> =
    LazyLock::new(|| ops::OPS.iter().flat_map(|op| numeric(*op).map(|s| (OpRef(*op), s))).collect());

/// Samples that every target computes.
fn numeric(op: &'static dyn Op) -> impl Iterator<Item = Sample> {
    op.samples().into_iter().filter(move |s| !s.is_text(op))
}

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
