//! How much memory may be taken.

use std::fs;

/// Units of a size, longest name first.
const UNITS: &[(&str, u64)] = &[
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("B", 1),
    ("", 1),
];

/// `512MB`, `2GiB`, or a number of bytes.
pub fn parse(text: &str) -> Result<u64, String> {
    let number =
        |(unit, factor): &(&str, u64)| text.strip_suffix(unit)?.trim().parse::<u64>().ok()?.checked_mul(*factor);
    UNITS.iter().find_map(number).ok_or_else(|| "expected a number of bytes, or of KB, MB, GB, KiB, MiB or GiB".into())
}

/// Where the system does not say how much memory there is.
const UNKNOWN: u64 = 8 << 30;

/// Half of the memory of the machine, or of the control group this process is in.
pub fn share() -> u64 {
    let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = info.lines().find_map(|l| l.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse::<u64>().ok());
    let total = total.map_or(UNKNOWN, |kib| kib.saturating_mul(1024));
    let group = fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|t| t.trim().parse::<u64>().ok());
    total.min(group.unwrap_or(u64::MAX)) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(
            ["12", "12B", "3 KB", "512MB", "2GiB"].map(|t| parse(t).unwrap()),
            [12, 12, 3000, 512_000_000, 2 << 30]
        );
        assert!(["", "MB", "-1", "1.5GB", "99999999999GiB", "7TB"].iter().all(|t| parse(t).is_err()));
        assert!(share() > 1 << 20);
    }
}
