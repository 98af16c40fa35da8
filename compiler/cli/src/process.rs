//! What this process has used so far, as far as the system tells (`/proc` of Linux); and processes of their own for what
//! may crash.

use std::fs;
use std::process::{Command, ExitStatus};

/// Most memory this process has had resident, in MiB; 0 where unknown.
pub fn peak_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kib = line.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

/// Time on a processor of all threads that are alive, in seconds; `None` where unknown.
pub fn cpu_seconds() -> Option<f64> {
    let mut total = 0.0;
    for task in fs::read_dir("/proc/self/task").ok()?.flatten() {
        let stat = fs::read_to_string(task.path().join("schedstat")).ok()?;
        total += stat.split_whitespace().next()?.parse::<f64>().ok()? * 1e-9;
    }
    Some(total)
}

/// How a process ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// By itself: its exit code, standard output and standard error.
    Exit(i32, Vec<u8>, String),
    /// By a panic or a signal: where, or which.
    Crash(String),
}

/// Runs a process to its end.
pub fn run(command: &mut Command) -> std::io::Result<End> {
    let out = command.stdin(std::process::Stdio::null()).env("RUST_BACKTRACE", "0").output()?;
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    let panicked = said.lines().find_map(|l| l.split_once(" panicked at ")).map(|l| l.1.to_string());
    Ok(match (out.status.code(), panicked) {
        (Some(PANIC), Some(place)) => End::Crash(format!("a panic at {place}")),
        (Some(code), _) => End::Exit(code, out.stdout, said),
        (None, _) => End::Crash(format!("signal {}", signal(out.status))),
    })
}

/// Exit code after a panic.
const PANIC: i32 = 101;

#[cfg(unix)]
fn signal(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.signal().unwrap_or(0)
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> i32 {
    0
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_crash_is_told_from_an_end() {
        let sh = |text: &str| run(Command::new("sh").args(["-c", text])).unwrap();
        assert_eq!(sh("echo a; echo b >&2; exit 3"), End::Exit(3, b"a\n".to_vec(), "b\n".into()));
        assert_eq!(sh("kill -SEGV $$"), End::Crash("signal 11".into()));
        let panic = "echo \"thread 'main' panicked at src/x.rs:1:2:\" >&2; exit 101";
        assert_eq!(sh(panic), End::Crash("a panic at src/x.rs:1:2:".into()));
    }

    #[test]
    fn use_is_counted() {
        let before = cpu_seconds().unwrap();
        let work: f64 = (0..3_000_000).map(|i| f64::from(i).sqrt()).sum();
        assert!(work > 0.0 && cpu_seconds().unwrap() > before && peak_mib() > 0.5);
    }
}
