//! Recurrent operators.

use super::Draft;
use dlc_ir::{Attr, Result, Value};

/// The default direction of `GRU` had a slip of the pen.
pub fn direction(d: &mut Draft) -> Result<Option<Vec<Value>>> {
    if d.attrs.get("direction") == Some(&Attr::Str("foward".into())) {
        d.attrs.remove("direction");
    }
    Ok(None)
}

/// `output_sequence` said whether the first result is wanted; today an omitted name says so.
pub fn output_sequence(d: &mut Draft) -> Result<Option<Vec<Value>>> {
    d.attrs.remove("output_sequence");
    Ok(None)
}
