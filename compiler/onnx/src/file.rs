//! Files mapped into memory.

use crate::{Error, Result};
use bytes::Bytes;
use memmap2::Mmap;
use std::fs::File;
use std::path::Path;

/// The bytes of a file, mapped; they live as long as any slice of them.
pub fn map(path: &Path) -> Result<Bytes> {
    let fail = |source| Error::Io { path: path.into(), source };
    map_open(&File::open(path).map_err(fail)?).map_err(fail)
}

/// The bytes of an open file, mapped.
pub fn map_open(file: &File) -> std::io::Result<Bytes> {
    if file.metadata()?.len() == 0 {
        return Ok(Bytes::new());
    }
    // SAFETY: the mapping is private and only read. Another process that truncates the file meanwhile would end this
    // one by a signal; a model that is compiled is taken not to be rewritten in place, as for every mapped input.
    let mapped = unsafe { Mmap::map(file) }?;
    Ok(Bytes::from_owner(mapped))
}
