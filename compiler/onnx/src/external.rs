//! Constants that lie in files beside the model.

use crate::proto::TensorProto;
use crate::{Error, Result, file};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// The folder of a model and the files of it that are mapped.
#[derive(Debug, Default)]
pub struct External {
    folder: Option<PathBuf>,
    mapped: BTreeMap<PathBuf, Bytes>,
}

impl External {
    /// Data of a model in `folder`; none can be read when that is `None`.
    pub fn new(folder: Option<&Path>) -> Self {
        External { folder: folder.map(Path::to_path_buf), mapped: BTreeMap::new() }
    }

    /// The bytes that `t` refers to; `need` of them when the tensor does not say how many.
    pub fn bytes(&mut self, t: &TensorProto, need: usize) -> Result<Bytes> {
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
        let path = self.resolve(t, location)?;
        if let Some(b) = self.mapped.get(&path) {
            return Ok(b.clone());
        }
        let b = file::map(&path)?;
        self.mapped.insert(path, b.clone());
        Ok(b)
    }

    /// The file at `location`, which may not leave the folder, by its name or through a link.
    fn resolve(&self, t: &TensorProto, location: &str) -> Result<PathBuf> {
        let refuse = |why: &str| Error::tensor(&t.name, format!("external data {location:?} {why}"));
        let folder = self.folder.as_deref().ok_or_else(|| refuse("needs the folder of the model"))?;
        let inside = |c: Component| matches!(c, Component::Normal(_) | Component::CurDir);
        if location.is_empty() || !Path::new(location).components().all(inside) {
            return Err(refuse("is not a path inside the model's folder"));
        }
        let real = |p: &Path| p.canonicalize().map_err(|source| Error::Io { path: p.into(), source });
        let path = real(&folder.join(location))?;
        match path.starts_with(real(folder)?) && path.is_file() {
            true => Ok(path),
            false => Err(refuse("is not a file inside the model's folder")),
        }
    }
}

fn number(t: &TensorProto, key: &str, value: Option<&str>) -> Result<Option<usize>> {
    let bad = |v: &str| Error::tensor(&t.name, format!("external data has {key} {v:?}, expected a number of bytes"));
    value.map(|v| v.parse().map_err(|_| bad(v))).transpose()
}
