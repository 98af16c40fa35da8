//! Passes from graph to graph that need no search.
//!
//! * [`fold()`]: what only depends on constants and known sizes becomes a constant.
//! * [`cleanup()`]: operators that change nothing, repeated computations, branches that are decided.
//! * [`dce()`]: what no output needs.
//! * [`integers()`]: products of dequantized tensors are dequantized products of integers.
//! * [`forms()`]: sequences and optionals are written as tensors.
//! * [`algorithms()`]: how convolutions are computed.
//! * [`precision()`]: factors of products in 16 bits.
//! * [`simplify`]: the first three until nothing changes.
//!
//! All work inside subgraphs too, and keep every input and output of the graph.

pub mod algorithms;
pub mod cleanup;
pub mod dce;
pub mod fold;
pub mod forms;
pub mod integers;
pub mod precision;
mod subgraph;

pub use algorithms::algorithms;
pub use cleanup::cleanup;
pub use dce::dce;
pub use fold::fold;
pub use forms::forms;
pub use integers::integers;
pub use precision::precision;

use dlc_ir::{Graph, Result};

/// What a pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Number of nodes changed or removed.
    pub changed: usize,
}

impl std::ops::AddAssign for Report {
    fn add_assign(&mut self, other: Report) {
        self.changed += other.changed;
    }
}

/// Rounds of [`simplify`]; each does all it can in one walk, so that real models need two or three.
const ROUNDS: usize = 16;

/// [`fold()`], [`cleanup()`] and [`dce()`] until nothing changes.
pub fn simplify(g: &mut Graph) -> Result<Report> {
    let (mut total, mut room) = (Report::default(), fold::Room::default());
    for _ in 0..ROUNDS {
        let mut round = fold::fold_within(g, &mut room)?;
        round += cleanup(g)?;
        round += dce(g)?;
        if round.changed == 0 {
            break;
        }
        total += round;
    }
    Ok(total)
}

#[cfg(test)]
mod tests;
