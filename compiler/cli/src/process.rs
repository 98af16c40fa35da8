//! What this process has used so far, as far as the system tells (`/proc` of Linux).

use std::fs;

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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn use_is_counted() {
        let before = cpu_seconds().unwrap();
        let work: f64 = (0..3_000_000).map(|i| f64::from(i).sqrt()).sum();
        assert!(work > 0.0 && cpu_seconds().unwrap() > before && peak_mib() > 0.5);
    }
}
