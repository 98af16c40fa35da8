//! Smaller sizes: sizes of one number are taken to be one size, and halved together.

use super::{Case, Same, take};
use dlc_ir::graph::Kind;
use dlc_ir::{NodeId, Tensor, Value, tensor};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Halves sizes of inputs and constants as long as the failure is the same.
pub fn shrink(best: &mut Case, same: &mut Same) -> ControlFlow<()> {
    let mut again = true;
    while again {
        again = false;
        for n in sizes(best).into_iter().rev() {
            for keep in [1, n / 2, n - 1] {
                if keep < n && keep > 0 && take(best, resized(best, n, keep), same)? {
                    again = true;
                    break;
                }
            }
        }
    }
    ControlFlow::Continue(())
}

/// Sizes above 1 of inputs and constants.
fn sizes(case: &Case) -> BTreeSet<usize> {
    let constants = case.graph.nodes().filter_map(|id| constant(case, id));
    constants.chain(&case.inputs).flat_map(|t| t.shape().iter().copied()).filter(|n| *n > 1).collect()
}

fn constant(case: &Case, id: NodeId) -> Option<&Tensor> {
    case.graph.constant(Value { node: id, port: 0 })
}

/// Every axis of `n` elements cut to the first `keep`, if the operators take that. Open sizes stay open.
fn resized(case: &Case, n: usize, keep: usize) -> Option<Case> {
    let mut out = case.clone();
    for (k, id) in case.graph.inputs().iter().enumerate() {
        if case.inputs[k].items().is_some() {
            continue;
        }
        out.inputs[k] = cut(&case.inputs[k], n, keep);
        for d in &mut out.graph.node_mut(*id).outputs[0].shape {
            if d.as_const() == Some(n as i64) {
                *d = keep.into();
            }
        }
    }
    for id in case.graph.nodes() {
        if let (Some(t), Kind::Const(_)) = (constant(case, id), &case.graph.node(id).kind) {
            out.graph.make_const(id, cut(t, n, keep));
        }
    }
    out.graph.infer_all().ok()?;
    Some(out)
}

/// The first `keep` elements along every axis of `n`.
fn cut(t: &Tensor, n: usize, keep: usize) -> Tensor {
    if t.items().is_some() || !t.shape().contains(&n) {
        return t.clone();
    }
    let shape: Vec<usize> = t.shape().iter().map(|d| if *d == n { keep } else { *d }).collect();
    let (strides, size) = (t.strides(), t.dtype().size());
    let mut bytes = vec![];
    tensor::for_each_index(&shape, |i| {
        let at = i.iter().zip(&strides).map(|(i, s)| i * s).sum::<usize>() * size;
        bytes.extend_from_slice(&t.bytes()[at..at + size]);
    });
    Tensor::from_bytes(t.dtype(), &shape, bytes.into()).unwrap_or_else(|_| t.clone())
}
