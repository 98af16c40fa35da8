//! `Softmax`, `LogSoftmax` and `Hardmax` when they saw their operand as a matrix.

use super::Draft;
use dlc_ir::{Attrs, Result, Value};

/// Rows of the matrix are the axes before `axis`, columns those from it on; the operator worked on rows.
pub fn flattened(d: &mut Draft) -> Result<Option<Vec<Value>>> {
    let x = d.operand(0, "input")?;
    let rank = d.graph.fact(x).rank();
    let axis = d.take::<i64>("axis")?.unwrap_or(1);
    let at = if axis < 0 { axis + rank as i64 } else { axis };
    d.attrs.set("axis", -1i64);
    if at + 1 == rank as i64 {
        return Ok(None);
    }
    let shape = d.apply("shape", "Shape", Attrs::new(), &[x])?;
    let matrix = d.apply("matrix", "Flatten", Attrs::new().with("axis", at), &[x])?;
    d.set(0, matrix);
    let y = d.finish()?;
    Ok(Some(vec![d.apply("reshaped", "Reshape", Attrs::new(), &[y, shape])?]))
}
