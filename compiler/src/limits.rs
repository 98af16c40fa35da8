//! Programs that measure what the host can do at most, with its widest vectors.

use crate::{Error, Result};
use dlc_cpu::Level;
pub use dlc_cpu::limits::Limit;

/// Products of f32 that are added on.
pub fn products() -> Result<Limit> {
    dlc_cpu::limits::products(Level::host()).map_err(|e| Error::stage("limits", e))
}

/// Products of bytes that are added on.
pub fn products_of_bytes() -> Result<Limit> {
    dlc_cpu::limits::products_of_bytes(Level::host()).map_err(|e| Error::stage("limits", e))
}

/// So many bytes read one after another.
pub fn reads(bytes: usize) -> Result<Limit> {
    dlc_cpu::limits::reads(Level::host(), bytes).map_err(|e| Error::stage("limits", e))
}
