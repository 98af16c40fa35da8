//! Constants that lie in files beside the model, and what constants take in memory.

use crate::proto::TensorProto;
use crate::{Error, Result, beside, file};
use bytes::Bytes;
use dlc_ir::budget::Held;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The folder of a model, the files of it that are mapped, and the memory of constants that are no slices of a file.
#[derive(Debug, Default)]
pub struct External {
    folder: Option<PathBuf>,
    mapped: BTreeMap<String, Bytes>,
    held: Held,
}

/// What ONNX allows to be said of external data.
const KEYS: &[&str] = &["location", "offset", "length", "checksum", "basepath"];

impl External {
    /// Data of a model in `folder`; none can be read when that is `None`.
    pub fn new(folder: Option<&Path>) -> Self {
        External { folder: folder.map(Path::to_path_buf), ..External::default() }
    }

    /// Counts memory that a constant takes, or refuses it.
    pub fn hold(&mut self, name: &str, bytes: usize) -> Result<()> {
        self.held.take(bytes as u64).map_err(|e| Error::tensor(name, e.to_string()))
    }

    /// The bytes that `t` refers to; `need` of them when the tensor does not say how many.
    pub fn bytes(&mut self, t: &TensorProto, need: usize) -> Result<Bytes> {
        check_keys(t)?;
        let entry = |key: &str| t.external_data.iter().find(|e| e.key == key).map(|e| e.value.as_str());
        let location = entry("location").ok_or_else(|| Error::tensor(&t.name, "external data has no location"))?;
        let offset = number(t, "offset", entry("offset"))?.unwrap_or(0);
        let length = number(t, "length", entry("length"))?.unwrap_or(need);
        let all = self.file(t, location)?;
        match offset.checked_add(length).filter(|end| *end <= all.len()) {
            Some(end) => Ok(all.slice(offset..end)),
            None => {
                let what = format!("{length} bytes at {offset} of {location:?}, which has {} bytes", all.len());
                Err(Error::tensor(&t.name, what))
            }
        }
    }

    fn file(&mut self, t: &TensorProto, location: &str) -> Result<Bytes> {
        if let Some(b) = self.mapped.get(location) {
            return Ok(b.clone());
        }
        let refuse = |why: &str| Error::tensor(&t.name, format!("external data {location:?} {why}"));
        let folder = self.folder.as_deref().ok_or_else(|| refuse("needs the folder of the model"))?;
        let file = beside::open(folder, location).map_err(|why| refuse(&why))?;
        let b = file::map_open(&file).map_err(|e| refuse(&format!("cannot be mapped: {e}")))?;
        self.mapped.insert(location.into(), b.clone());
        Ok(b)
    }
}

/// Refuses keys that ONNX does not have, and those that are given twice.
fn check_keys(t: &TensorProto) -> Result<()> {
    for (i, e) in t.external_data.iter().enumerate() {
        let key = e.key.as_str();
        if !KEYS.contains(&key) {
            let what = format!("external data has the key {key:?}, expected one of {}", KEYS.join(", "));
            return Err(Error::tensor(&t.name, what));
        }
        if t.external_data[..i].iter().any(|o| o.key == e.key) {
            return Err(Error::tensor(&t.name, format!("external data has the key {key:?} twice")));
        }
    }
    Ok(())
}

fn number(t: &TensorProto, key: &str, value: Option<&str>) -> Result<Option<usize>> {
    let bad = |v: &str| Error::tensor(&t.name, format!("external data has {key} {v:?}, expected a number of bytes"));
    value.map(|v| v.parse().map_err(|_| bad(v))).transpose()
}
