//! `dlc bench`

use crate::args::{CompileArgs, InputArgs, amount, threads};
use crate::engine::Engine;
use crate::failure::{Doing, Failure, Result};
use crate::ui::Ui;
use crate::{files, inputs, npy, process, subject, table};
use dlc_ir::Tensor;
use serde::Serialize;
use std::path::PathBuf;
use std::time::Instant;

/// Measure how long a model takes, and how much memory.
#[derive(clap::Args)]
pub struct Bench {
    /// The artifact (.dlc), or a model (.onnx), which is compiled first.
    file: PathBuf,
    #[command(flatten)]
    how: CompileArgs,
    #[command(flatten)]
    inputs: InputArgs,
    /// Threads to run on.
    #[arg(long, default_value = "1", value_parser = threads)]
    threads: usize,
    /// Seconds of calls before anything is timed.
    #[arg(long, default_value = "0.3", value_parser = amount)]
    warmup: f64,
    /// Seconds of timed calls; at least 5 calls are timed.
    #[arg(long, default_value = "1", value_parser = amount)]
    secs: f64,
    /// Most timed calls.
    #[arg(long, default_value = "1000000")]
    calls: usize,
    /// Write the first output as a .npy file.
    #[arg(long, value_name = "FILE.npy")]
    save_output: Option<PathBuf>,
}

/// All times in seconds, memory in MiB unless the name says otherwise.
#[derive(Serialize)]
struct Report {
    engine: &'static str,
    threads: usize,
    load_s: f64,
    first_s: f64,
    base_mib: f64,
    peak_mib: f64,
    arena_bytes: Option<u64>,
    cores: f64,
    median_s: f64,
    min_s: f64,
    p99_s: f64,
    times: Vec<f64>,
}

impl Bench {
    pub fn run(self, ui: &Ui) -> Result<()> {
        let base_mib = process::peak_mib();
        let start = Instant::now();
        let mut engine = subject::open(&self.file, &self.how.options()?, self.threads, ui)?;
        let load_s = start.elapsed().as_secs_f64();
        let x = inputs::resolve(&engine.inputs()?, &self.inputs.inputs, &self.how.dims, ui)?;
        let doing = || format!("running {}", self.file.display());
        engine.bind(&x)?;
        let start = Instant::now();
        let y = engine.call().doing(doing)?;
        let first_s = start.elapsed().as_secs_f64();
        self.save(&y)?;
        let (times, cores) = self.time(&mut engine, ui).doing(doing)?;
        let mut sorted = times.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |q: f64| sorted[((sorted.len() - 1) as f64 * q).round() as usize];
        let report = Report {
            engine: engine.name(),
            threads: self.threads,
            load_s,
            first_s,
            base_mib,
            peak_mib: process::peak_mib(),
            arena_bytes: engine.arena_bytes(),
            cores,
            median_s: at(0.5),
            min_s: at(0.0),
            p99_s: at(0.99),
            times,
        };
        ui.show(&report, || report.text())
    }

    fn save(&self, y: &[Tensor]) -> Result<()> {
        let Some(path) = &self.save_output else { return Ok(()) };
        let t = y.first().ok_or_else(|| Failure::data("the model has no output to save"))?;
        files::write(path, &npy::write(t).map_err(Failure::data).doing(|| format!("writing {}", path.display()))?)
    }

    /// Seconds of every timed call, and how many cores were busy meanwhile.
    fn time(&self, engine: &mut Engine, ui: &Ui) -> Result<(Vec<f64>, f64)> {
        let bar = ui.bar(0);
        bar.at(0, "warming up");
        let start = Instant::now();
        while start.elapsed().as_secs_f64() < self.warmup {
            engine.call()?;
        }
        drop(bar);
        let (start, used) = (Instant::now(), process::cpu_seconds());
        let mut times = vec![];
        while times.len() < self.calls.max(1) && (times.len() < 5 || start.elapsed().as_secs_f64() < self.secs) {
            let call = Instant::now();
            engine.call()?;
            times.push(call.elapsed().as_secs_f64());
        }
        let used = process::cpu_seconds().zip(used).map_or(0.0, |(after, before)| after - before);
        Ok((times, used / start.elapsed().as_secs_f64()))
    }
}

impl Report {
    fn text(&self) -> String {
        let row = |what: &str, v: String| vec![what.to_string(), v];
        let mut rows = vec![
            row("median", table::seconds(self.median_s)),
            row("min", table::seconds(self.min_s)),
            row("p99", table::seconds(self.p99_s)),
            row("calls", self.times.len().to_string()),
            row("cores busy", format!("{:.2} of {} threads", self.cores, self.threads)),
            row("load", table::seconds(self.load_s)),
            row("first call", table::seconds(self.first_s)),
            row("peak memory", format!("{:.1} MiB ({:.1} MiB before loading)", self.peak_mib, self.base_mib)),
        ];
        rows.extend(self.arena_bytes.map(|n| row("arena", table::bytes(n))));
        table::table(&[self.engine, ">"], rows)
    }
}
