//! Any operator, as its samples use it.

use crate::builder::Builder;
use dlc_ir::{Graph, Op, OpRef, Sample, ops};
use std::sync::LazyLock;

static SAMPLES: LazyLock<Vec<(OpRef, Sample)>> =
    LazyLock::new(|| ops::OPS.iter().flat_map(|op| numeric(*op).map(|s| (OpRef(*op), s))).collect());

/// Samples that every target computes, before all stages too: of numbers, and of tensors only.
fn numeric(op: &'static dyn Op) -> impl Iterator<Item = Sample> {
    op.samples().into_iter().filter(move |s| !s.is_text(op) && is_dense(op, s))
}

/// Whether no operand or result is a sequence or an optional.
fn is_dense(op: &'static dyn Op, s: &Sample) -> bool {
    let mut g = Graph::new("sample");
    let x: Vec<_> = s.x.iter().map(|t| t.as_ref().map(|t| g.add_const("x", t.clone()))).collect();
    let tensors = s.x.iter().flatten().all(|t| t.items().is_none());
    let node = g.add_op("y", OpRef(op), s.attrs.clone(), &x, s.outputs);
    tensors && node.is_ok_and(|n| g.node(n).outputs.iter().all(|f| f.form.is_dense()))
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
