//! Broadcasting before it was NumPy's: the second operand aligned at an axis of the first.

use super::Draft;
use dlc_ir::{Attrs, Result, Value, ensure};

/// `broadcast` and `axis`: the axes of operand 1 are those of operand 0 from `axis` on, or its last ones.
pub fn aligned(d: &mut Draft) -> Result<Option<Vec<Value>>> {
    d.attrs.remove("broadcast");
    if d.op == "Gemm" {
        return Ok(None);
    }
    if let Some(axis) = d.take::<i64>("axis")? {
        let rank = d.fact(0, "A")?.rank();
        trail(d, dlc_ir::op::axis(axis, rank.max(1))?, rank)?;
    }
    Ok(None)
}

/// A slope with one element for each channel (axis 1).
pub fn slope_of_channels(d: &mut Draft) -> Result<Option<Vec<Value>>> {
    let (rank, slope) = (d.fact(0, "X")?.rank(), d.fact(1, "slope")?);
    if slope.rank() == 1 && !slope.shape[0].is_one() && rank > 2 {
        trail(d, 1, rank)?;
    }
    Ok(None)
}

/// Gives operand 1 axes of size 1 at its end, so that its first is axis `axis` of `rank`.
fn trail(d: &mut Draft, axis: usize, rank: usize) -> Result<()> {
    let (b, own) = (d.operand(1, "B")?, d.fact(1, "B")?.rank());
    ensure!(axis + own <= rank, "operand B of rank {own} does not fit at axis {axis} of rank {rank}");
    let new: Vec<i64> = (own..rank - axis).map(|a| a as i64).collect();
    if !new.is_empty() {
        let axes = d.ints("axes", &new);
        let b = d.apply("aligned", "Unsqueeze", Attrs::new(), &[b, axes])?;
        d.set(1, b);
    }
    Ok(())
}
