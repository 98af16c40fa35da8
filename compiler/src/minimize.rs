//! The smallest part of a model that fails in the same way: delta debugging over the graph.
//!
//! What is a failure is up to whoever asks ([`Same`]); a test, a fuzzer or a process of its own may decide it. Nodes are
//! taken away and what they gave becomes an input with the value it had; then outputs go, and sizes are halved. Of the
//! graphs inside of nodes one alone is tried, on what it is first given; if that does not do, nodes in it are taken away.

mod bodies;
mod case;
mod ddmin;
mod shrink;
mod symptom;

pub use case::Case;
pub use ddmin::ddmin;
pub use symptom::{Kind, Symptom};

use std::ops::ControlFlow;

/// Whether a case fails as the first one did; `Break` stops the search, and the smallest case found so far is the result.
pub type Same<'a> = dyn FnMut(&Case) -> ControlFlow<(), bool> + 'a;

/// The smallest case found that is the same failure. The start must be; it is given back if nothing smaller is.
pub fn minimize(start: Case, same: &mut Same) -> Case {
    let mut best = start;
    loop {
        let before = best.weight();
        let go = nodes(&mut best, same).is_continue()
            && outputs(&mut best, same).is_continue()
            && bodies::bodies(&mut best, same).is_continue()
            && shrink::shrink(&mut best, same).is_continue();
        if !go || best.weight() >= before {
            return best;
        }
    }
}

/// Fewer nodes: those that no set of others can do without.
fn nodes(best: &mut Case, same: &mut Same) -> ControlFlow<()> {
    let start = best.clone();
    let nodes = start.operators();
    let values = start.values();
    let (_, end) = ddmin(nodes.len(), &mut |kept| {
        let kept = kept.iter().map(|i| nodes[*i]).collect();
        take(best, start.keep(&kept, &values), same)
    });
    end
}

/// Fewer outputs.
fn outputs(best: &mut Case, same: &mut Same) -> ControlFlow<()> {
    let start = best.clone();
    let outputs = start.graph.outputs().to_vec();
    let (_, end) = ddmin(outputs.len(), &mut |kept| {
        let kept = kept.iter().map(|i| outputs[*i].clone()).collect();
        take(best, start.with_outputs(kept), same)
    });
    end
}

/// Makes a candidate the best if it is the same failure.
fn take(best: &mut Case, candidate: Option<Case>, same: &mut Same) -> ControlFlow<(), bool> {
    let Some(candidate) = candidate else { return ControlFlow::Continue(false) };
    let fails = same(&candidate)?;
    if fails {
        *best = candidate;
    }
    ControlFlow::Continue(fails)
}

#[cfg(test)]
mod tests;
