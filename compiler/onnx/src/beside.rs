//! Files below a folder, opened so that no name can lead out of it.

use std::fs::File;
use std::path::{Component, Path};

/// The regular file at `location` below `folder`. Each part of the way is opened relative to the one before and may be no
/// link, so that nothing that changes meanwhile can lead elsewhere. The refusal says what is wrong with the place.
pub fn open(folder: &Path, location: &str) -> Result<File, String> {
    let path = Path::new(location);
    let inside = |c: Component| matches!(c, Component::Normal(_) | Component::CurDir);
    if location.is_empty() || location.contains('\0') || !path.components().all(inside) {
        return Err("is not a path inside the model's folder".into());
    }
    let parts: Vec<&Path> =
        path.components().filter(|c| *c != Component::CurDir).map(|c| Path::new(c.as_os_str())).collect();
    let file = walk(folder, &parts)?;
    match file.metadata() {
        Ok(m) if m.is_file() => Ok(file),
        Ok(_) => Err("is not a regular file".into()),
        Err(e) => Err(format!("cannot be read: {e}")),
    }
}

#[cfg(unix)]
fn walk(folder: &Path, parts: &[&Path]) -> Result<File, String> {
    use rustix::fs::{Mode, OFlags, open, openat};
    use rustix::io::Errno;
    let refuse = |e: Errno| match e {
        Errno::LOOP | Errno::MLINK | Errno::NOTDIR => "is or goes through a symbolic link or a file, \
            which is not followed: copy the folder with its links resolved (cp -rL) and use the model there"
            .to_string(),
        e => format!("cannot be opened: {}", std::io::Error::from(e)),
    };
    let Some((name, folders)) = parts.split_last() else {
        return Err("is not a file inside the model's folder".into());
    };
    let way = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut at = open(folder, way, Mode::empty()).map_err(refuse)?;
    for f in folders {
        at = openat(&at, *f, way | OFlags::NOFOLLOW, Mode::empty()).map_err(refuse)?;
    }
    // Without waiting for the other end of a pipe, and without a terminal becoming ours.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    openat(&at, *name, flags, Mode::empty()).map(File::from).map_err(refuse)
}

#[cfg(not(unix))]
fn walk(folder: &Path, parts: &[&Path]) -> Result<File, String> {
    let mut path = folder.to_path_buf();
    for p in parts {
        path.push(p);
        let meta = path.symlink_metadata().map_err(|e| format!("cannot be opened: {e}"))?;
        if meta.is_symlink() {
            return Err(
                "goes through a symbolic link, which is not followed: copy the file itself beside the model".into()
            );
        }
    }
    File::open(path).map_err(|e| format!("cannot be opened: {e}"))
}
