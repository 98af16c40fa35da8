//! The folder of fetched things: `$DLC_CACHE`, or `~/.cache/dlc`. Nothing in it belongs in the repository.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the Python environment consists of.
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// The folder, which exists.
pub fn folder() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache/dlc");
    let path = std::env::var_os("DLC_CACHE").map_or_else(home, PathBuf::from);
    fs::create_dir_all(&path).unwrap_or_else(|e| panic!("cannot create {}: {e}", path.display()));
    path
}

/// A file of this crate, e.g. a script.
pub fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs `make(target)` unless it has succeeded before for the same `key`; other processes wait meanwhile.
/// Panics with what went wrong: a test that cannot have its material has failed.
pub fn once(name: &str, key: &str, make: impl FnOnce(&Path) -> Result<(), String>) -> PathBuf {
    let target = folder().join(name);
    let lock = File::create(folder().join(format!("{}.lock", name.replace('/', "-")))).expect("the cache is writable");
    lock.lock().expect("the lock of the cache can be taken");
    let stamp = target.join(".complete");
    if fs::read_to_string(&stamp).is_ok_and(|s| s == key) {
        return target;
    }
    let _ = fs::remove_dir_all(&target);
    fs::create_dir_all(&target).expect("the cache is writable");
    make(&target).unwrap_or_else(|e| panic!("cannot prepare {}: {e}", target.display()));
    fs::write(&stamp, key).expect("the cache is writable");
    target
}

/// Runs a command; an error says what it printed.
pub fn run(command: &mut Command) -> Result<(), String> {
    let what = format!("{:?}", command.get_program());
    let out = command.output().map_err(|e| format!("{what} cannot be started: {e}"))?;
    let text = String::from_utf8_lossy(&out.stderr);
    let tail: Vec<&str> = text.lines().rev().take(12).collect();
    let tail: Vec<&str> = tail.into_iter().rev().collect();
    out.status.success().then_some(()).ok_or_else(|| format!("{what} failed ({}):\n{}", out.status, tail.join("\n")))
}

/// A Python with the packages of `requirements.txt`, installed on first use from the package registry.
pub fn python() -> PathBuf {
    let venv = once("venv", REQUIREMENTS, |target| {
        run(Command::new("python3").args(["-m", "venv"]).arg(target))?;
        let pip = target.join("bin/pip");
        run(Command::new(pip)
            .args(["install", "-q", "--disable-pip-version-check", "-r"])
            .arg(source("requirements.txt")))
    });
    venv.join("bin/python")
}

/// ONNX's own tests as files: `KIND/NAME/{model.onnx,test_data_set_K/..}`.
pub fn onnx_tests() -> PathBuf {
    let script = include_str!("conformance/dump.py");
    let python = python();
    once("onnx-tests", &format!("{REQUIREMENTS}{script}"), |target| {
        run(Command::new(python).arg(source("conformance/dump.py")).arg(target))
    })
}
