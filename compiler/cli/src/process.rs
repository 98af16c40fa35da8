//! What this process has used so far, as far as the system tells (`/proc` of Linux); and processes of their own for what
//! may crash.

use crate::ui;
use std::fs;
use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

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
    /// By us, because it took longer than it may.
    Late,
    /// By us, because of an interrupt.
    Interrupted,
}

/// How often is looked whether a process has ended.
const STEP: Duration = Duration::from_millis(5);

/// Runs a process to its end, or until `limit` has passed or an interrupt comes.
pub fn run(command: &mut Command, limit: Option<Duration>) -> io::Result<End> {
    let start = Instant::now();
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.env("RUST_BACKTRACE", "0").spawn()?;
    let (out, said) = (collect(child.stdout.take()), collect(child.stderr.take()));
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if ui::interrupted() {
            return stop(&mut child, End::Interrupted);
        }
        if limit.is_some_and(|limit| start.elapsed() > limit) {
            return stop(&mut child, End::Late);
        }
        thread::sleep(STEP);
    };
    let (out, said) = (out.join().unwrap_or_default(), said.join().unwrap_or_default());
    let said = String::from_utf8_lossy(&said).into_owned();
    let panicked = said.lines().find_map(|l| l.split_once(" panicked at ")).map(|l| l.1.to_string());
    Ok(match (status.code(), panicked) {
        _ if ui::interrupted() => End::Interrupted,
        (Some(PANIC), Some(place)) => End::Crash(format!("a panic at {place}")),
        (Some(code), _) => End::Exit(code, out, said),
        (None, _) => End::Crash(format!("signal {}", signal(status))),
    })
}

fn stop(child: &mut Child, end: End) -> io::Result<End> {
    child.kill()?;
    child.wait()?;
    Ok(end)
}

/// Reads a pipe to its end, apart, so that the process never waits for us.
fn collect(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = vec![];
        let _ = pipe.map(|mut p| p.read_to_end(&mut bytes));
        bytes
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
        let sh = |text: &str| run(Command::new("sh").args(["-c", text]), None).unwrap();
        assert_eq!(sh("echo a; echo b >&2; exit 3"), End::Exit(3, b"a\n".to_vec(), "b\n".into()));
        assert_eq!(sh("kill -SEGV $$"), End::Crash("signal 11".into()));
        let panic = "echo \"thread 'main' panicked at src/x.rs:1:2:\" >&2; exit 101";
        assert_eq!(sh(panic), End::Crash("a panic at src/x.rs:1:2:".into()));
    }

    #[test]
    fn what_goes_on_is_ended() {
        let start = Instant::now();
        let sh = |text: &str, limit| run(Command::new("sh").args(["-c", text]), Some(limit)).unwrap();
        assert_eq!(sh("while :; do :; done", Duration::from_millis(50)), End::Late);
        assert_eq!(sh("exec yes", Duration::from_millis(50)), End::Late, "however much it says");
        assert_eq!(sh("exit 0", Duration::from_secs(60)), End::Exit(0, vec![], String::new()));
        assert!(start.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn use_is_counted() {
        let before = cpu_seconds().unwrap();
        let work: f64 = (0..3_000_000).map(|i| f64::from(i).sqrt()).sum();
        assert!(work > 0.0 && cpu_seconds().unwrap() > before && peak_mib() > 0.5);
    }
}
