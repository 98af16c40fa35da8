//! `dlc doctor`

use crate::failure::Result;
use crate::table;
use crate::ui::Ui;
use serde::Serialize;
use std::path::PathBuf;

/// Say what this machine offers, and whether everything needed is there.
#[derive(clap::Args)]
pub struct Doctor {}

#[derive(Serialize)]
struct Check {
    what: &'static str,
    finding: String,
    good: bool,
}

impl Doctor {
    pub fn run(self, ui: &Ui) -> Result<()> {
        let checks = [version(), system(), cpu_features(), cores(), memory(), cache_folder()];
        ui.show(&checks, || {
            let mark = |good| if good { "ok".to_string() } else { "!!".to_string() };
            let rows = checks.iter().map(|c| vec![mark(c.good), c.what.to_string(), c.finding.clone()]);
            table::table(&["", "what", "finding"], rows)
        })
    }
}

fn version() -> Check {
    let finding = format!("{}, artifact format {}", env!("CARGO_PKG_VERSION"), dlc_artifact::file::VERSION);
    Check { what: "dlc", finding, good: true }
}

fn system() -> Check {
    let finding = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    Check { what: "system", finding, good: cfg!(all(target_os = "linux", target_arch = "x86_64")) }
}

fn cpu_features() -> Check {
    let have = detected();
    Check { what: "CPU features", finding: have.join(" "), good: have.contains(&"avx2") && have.contains(&"fma") }
}

#[cfg(target_arch = "x86_64")]
fn detected() -> Vec<&'static str> {
    macro_rules! list {
        ($($name:tt),*) => { [$(($name, is_x86_feature_detected!($name))),*] };
    }
    let all =
        list!("sse4.2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512vl", "avx512bw", "avx512vnni", "avx512bf16");
    all.iter().filter(|f| f.1).map(|f| f.0).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn detected() -> Vec<&'static str> {
    vec![]
}

fn cores() -> Check {
    match std::thread::available_parallelism() {
        Ok(n) => Check { what: "cores", finding: n.to_string(), good: true },
        Err(e) => Check { what: "cores", finding: e.to_string(), good: false },
    }
}

fn memory() -> Check {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = |name: &str| {
        let line = text.lines().find_map(|l| l.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    match (kib("MemTotal:"), kib("MemAvailable:")) {
        (Some(total), Some(free)) => {
            let finding = format!("{} of {} available", table::bytes(free << 10), table::bytes(total << 10));
            Check { what: "memory", finding, good: free > 1 << 20 }
        }
        _ => Check { what: "memory", finding: "unknown".into(), good: true },
    }
}

/// `$XDG_CACHE_HOME/dlc`, or `.cache/dlc` in the home folder.
fn cache_path() -> Option<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    Some(base.join("dlc"))
}

fn cache_folder() -> Check {
    let what = "cache folder";
    let Some(path) = cache_path() else {
        return Check { what, finding: "neither XDG_CACHE_HOME nor HOME is set".into(), good: false };
    };
    let writable = std::fs::create_dir_all(&path).and_then(|()| tempfile::NamedTempFile::new_in(&path));
    match writable {
        Ok(_) => Check { what, finding: path.display().to_string(), good: true },
        Err(e) => Check { what, finding: format!("{}: {e}", path.display()), good: false },
    }
}
