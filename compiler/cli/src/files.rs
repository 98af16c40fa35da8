//! Files are written whole or not at all: under a temporary name beside the target, then renamed.

use crate::failure::{Doing, Failure, Result};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

static PARTIAL: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removes files that are being written and folders for work; for an interrupt.
pub fn discard_partial() {
    for path in PARTIAL.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    }
}

/// A folder for work, gone when dropped.
pub fn scratch() -> Result<tempfile::TempDir> {
    let dir = tempfile::tempdir().doing(|| "making a folder for work".into())?;
    PARTIAL.lock().unwrap_or_else(PoisonError::into_inner).push(dir.path().to_path_buf());
    Ok(dir)
}

/// Writes a whole file.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let doing = || format!("writing {}", path.display());
    if path.is_dir() {
        return Err(Failure::data("is a directory")).doing(doing);
    }
    let dir = match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(dir).doing(doing)?;
    let partial = file.path().to_path_buf();
    PARTIAL.lock().unwrap_or_else(PoisonError::into_inner).push(partial.clone());
    let done = file.write_all(bytes).and_then(|()| open_to_others(file.as_file())).doing(doing);
    let done = done.and_then(|()| file.persist(path).map(drop).doing(doing));
    PARTIAL.lock().unwrap_or_else(PoisonError::into_inner).retain(|p| *p != partial);
    done
}

/// Temporary files are private; results are not.
#[cfg(unix)]
fn open_to_others(file: &fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn open_to_others(_: &fs::File) -> std::io::Result<()> {
    Ok(())
}

/// Reads a whole file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let doing = || format!("reading {}", path.display());
    let meta = fs::metadata(path).doing(doing)?;
    if !meta.is_file() {
        return Err(Failure::data("is not a regular file")).doing(doing);
    }
    dlc_ir::budget::admit(meta.len()).doing(doing)?;
    fs::read(path).doing(doing)
}

/// Makes a folder for results.
pub fn make_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path).doing(|| format!("making folder {}", path.display()))
}

/// The first bytes of a file.
pub fn head(path: &Path, n: u64) -> Result<Vec<u8>> {
    use std::io::Read;
    let doing = || format!("reading {}", path.display());
    if !fs::metadata(path).doing(doing)?.is_file() {
        return Err(Failure::data("is not a regular file")).doing(doing);
    }
    let mut out = vec![];
    fs::File::open(path).doing(doing)?.take(n).read_to_end(&mut out).doing(doing)?;
    Ok(out)
}
