//! Removes what changes nothing.

mod branch;
mod common;
mod noop;

use crate::{Report, subgraph};
use dlc_ir::{Graph, Result};

/// Removes operators that give an operand unchanged, skips a `Reshape` of a `Reshape`, merges computations that are
/// there twice, and inlines the branch of an `If` that is decided. What is no longer needed is left to
/// [`dce`](crate::dce()).
pub fn cleanup(g: &mut Graph) -> Result<Report> {
    let mut report = subgraph::each(g, cleanup)?;
    report.changed += branch::inline(g)?;
    report.changed += noop::skip(g)?;
    report.changed += common::merge(g)?;
    if report.changed > 0 {
        g.infer_all()?;
    }
    Ok(report)
}
