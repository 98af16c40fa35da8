//! `dlc profile`

use crate::args::{CompileArgs, InputArgs, threads};
use crate::failure::{Doing, Result};
use crate::limits::Limits;
use crate::ui::Ui;
use crate::{files, inputs, subject, table};
use serde::Serialize;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Show where the time of a model goes: every step with its rate, and what the machine could do at most.
#[derive(clap::Args)]
pub struct Profile {
    /// The artifact (.dlc), or a model (.onnx), which is compiled first.
    file: PathBuf,
    #[command(flatten)]
    how: CompileArgs,
    #[command(flatten)]
    inputs: InputArgs,
    /// Threads to run on.
    #[arg(long, default_value = "1", value_parser = threads)]
    threads: usize,
    /// Calls that are measured; a step's time is the median.
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u32).range(1..))]
    calls: u32,
    /// Steps that are shown, the slowest first; 0 is all, in the order of the program.
    #[arg(long, default_value = "25")]
    top: usize,
    /// Write the last call as a trace, to be opened in Perfetto or chrome://tracing.
    #[arg(long, value_name = "FILE.json")]
    trace: Option<PathBuf>,
}

/// One step of one call.
#[derive(Clone)]
struct Event {
    block: String,
    step: usize,
    node: String,
    function: String,
    start: u64,
    nanoseconds: u64,
    operations: u64,
    bytes: u64,
}

/// A step. Rates are of the median; `limit` is the least possible time over the time taken.
#[derive(Serialize)]
struct Row {
    block: String,
    step: usize,
    node: String,
    function: String,
    seconds: f64,
    share: f64,
    operations: u64,
    bytes: u64,
    limit: f64,
    bound: &'static str,
}

#[derive(Serialize)]
struct Report {
    threads: usize,
    calls: u32,
    call_seconds: f64,
    steps_seconds: f64,
    limits: Limits,
    limit: f64,
    rows: Vec<Row>,
    #[serde(skip)]
    top: usize,
}

impl Profile {
    pub fn run(self, ui: &Ui) -> Result<()> {
        let mut engine = subject::open(&self.file, &self.how.options()?, self.threads, ui)?;
        let x = inputs::resolve(&engine.inputs()?, &self.inputs.inputs, &self.how.dims, ui)?;
        let doing = || format!("profiling {}", self.file.display());
        engine.bind(&x)?;
        let bar = ui.bar(u64::from(self.calls) + 1);
        let (mut calls, mut times) = (vec![], vec![]);
        for n in 0..=self.calls {
            bar.at(n.into(), "calling");
            let (mut events, start) = (vec![], Instant::now());
            engine.profile(&mut |t| events.push(event(t))).doing(doing)?;
            // The first call makes room and touches memory.
            if n > 0 {
                times.push(start.elapsed().as_secs_f64());
                calls.push(events);
            }
        }
        bar.at(u64::from(self.calls), "measuring the machine");
        let limits = Limits::measure(self.threads)?;
        drop(bar);
        if let (Some(path), Some(last)) = (&self.trace, calls.last()) {
            write_trace(path, last, &limits)?;
        }
        let rows = rows(&calls, &limits);
        let steps_seconds: f64 = rows.iter().map(|r| r.seconds).sum();
        let limit = rows.iter().map(|r| r.limit * r.seconds).sum::<f64>() / steps_seconds.max(1e-12);
        let call_seconds = median(&mut times);
        let (threads, calls, top) = (self.threads, self.calls, self.top);
        let report = Report { threads, calls, call_seconds, steps_seconds, limits, limit, rows, top };
        ui.show(&report, || report.text())
    }
}

fn event(t: dlc_runtime::Trace<'_>) -> Event {
    Event {
        block: t.block.into(),
        step: t.step,
        node: t.node.into(),
        function: t.function.into(),
        start: t.start,
        nanoseconds: t.nanoseconds,
        operations: t.operations,
        bytes: t.bytes,
    }
}

fn median(v: &mut [f64]) -> f64 {
    v.sort_by(f64::total_cmp);
    v.get(v.len() / 2).copied().unwrap_or(0.0)
}

/// A row for each step, and each call of a chain, in the order in which a call comes to them first. What a step does several times in a call, in the
/// body of a loop, is added up.
fn rows(calls: &[Vec<Event>], limits: &Limits) -> Vec<Row> {
    let mut places: Vec<(&str, usize, &str)> = vec![];
    for e in calls.iter().flatten() {
        if !places.contains(&(&e.block, e.step, &e.node)) {
            places.push((&e.block, e.step, &e.node));
        }
    }
    let mut rows: Vec<Row> = places.iter().filter_map(|p| row(calls, *p, limits)).collect();
    let all: f64 = rows.iter().map(|r| r.seconds).sum();
    rows.iter_mut().for_each(|r| r.share = r.seconds / all.max(1e-12));
    rows
}

fn row(calls: &[Vec<Event>], (block, step, node): (&str, usize, &str), limits: &Limits) -> Option<Row> {
    let of = |call: &Vec<Event>| -> Vec<Event> {
        call.iter().filter(|e| e.block == block && e.step == step && e.node == node).cloned().collect()
    };
    let mut times: Vec<f64> = calls.iter().map(|c| of(c).iter().map(|e| e.nanoseconds as f64 * 1e-9).sum()).collect();
    let last = calls.iter().rev().map(of).find(|c| !c.is_empty())?;
    let seconds = median(&mut times);
    let (operations, bytes) = last.iter().fold((0, 0), |(o, b), e| (o + e.operations, b + e.bytes));
    let least: f64 = last.iter().map(|e| limits.least(&e.function, e.operations, e.bytes).0).sum();
    let memory = limits.least(&last[0].function, last[0].operations, last[0].bytes).1;
    Some(Row {
        block: block.into(),
        step,
        node: last[0].node.clone(),
        function: last[0].function.clone(),
        seconds,
        share: 0.0,
        operations,
        bytes,
        limit: least / seconds.max(1e-12),
        bound: if memory { "memory" } else { "arithmetic" },
    })
}

/// The format of Chrome's trace viewer: complete events, in microseconds.
fn write_trace(path: &Path, events: &[Event], limits: &Limits) -> Result<()> {
    let one = |e: &Event| {
        let (least, memory) = limits.least(&e.function, e.operations, e.bytes);
        json!({
            "name": e.node, "cat": e.function, "ph": "X", "pid": 1, "tid": 1,
            "ts": e.start as f64 / 1e3, "dur": e.nanoseconds as f64 / 1e3,
            "args": {
                "function": e.function, "block": e.block, "step": e.step, "operations": e.operations, "bytes": e.bytes,
                "of_limit": least / (e.nanoseconds as f64 * 1e-9).max(1e-12),
                "bound": if memory { "memory" } else { "arithmetic" },
            },
        })
    };
    let events: Vec<_> = events.iter().map(one).collect();
    let text = serde_json::to_vec(&json!({ "displayTimeUnit": "ms", "traceEvents": events }));
    files::write(path, &text.doing(|| format!("writing {}", path.display()))?)
}

impl Report {
    fn text(&self) -> String {
        let mut shown: Vec<&Row> = self.rows.iter().collect();
        if self.top > 0 {
            shown.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
            shown.truncate(self.top);
        }
        let rate = |n: u64, s: f64| if n == 0 { "-".into() } else { format!("{:.1}", n as f64 / s.max(1e-12) / 1e9) };
        let row = |r: &&Row| {
            vec![
                r.step.to_string(),
                short(&r.node),
                r.function.clone(),
                table::seconds(r.seconds),
                format!("{:.1} %", r.share * 100.0),
                rate(r.operations, r.seconds),
                rate(r.bytes, r.seconds),
                format!("{:.0} %", r.limit * 100.0),
                r.bound.into(),
            ]
        };
        let columns = ["step", "nodes", "function", ">time", ">share", ">GFLOP/s", ">GB/s", ">of limit", "bound by"];
        let table = table::table(&columns, shown.iter().map(row));
        let hidden = self.rows.len() - shown.len();
        let more = if hidden > 0 { format!("\n.. and {hidden} more; --top 0 shows all") } else { String::new() };
        format!("{table}{more}\n\n{}", self.summary())
    }

    fn summary(&self) -> String {
        let memory: Vec<String> = self.limits.bytes_per_second.iter().map(memory).collect();
        format!(
            "a call takes {} with {} thread{}, {} of it in {} steps, which could take {:.0} % of that on this machine:\n\
             {:.1} GFLOP/s in f32, {:.1} GOP/s on bytes, and memory read at {}",
            table::seconds(self.call_seconds),
            self.threads,
            if self.threads == 1 { "" } else { "s" },
            table::seconds(self.steps_seconds),
            self.rows.len(),
            self.limit * 100.0,
            self.limits.operations_per_second / 1e9,
            self.limits.byte_operations_per_second / 1e9,
            memory.join(", "),
        )
    }
}

fn memory((bytes, rate): &(u64, f64)) -> String {
    format!("{:.0} GB/s in {}", rate / 1e9, table::bytes(*bytes))
}

/// A name that a table can hold: regions have the names of all their nodes.
fn short(name: &str) -> String {
    const MOST: usize = 48;
    match name.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}..", &name[..at]),
        None => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(step: usize, start: u64, nanoseconds: u64) -> Event {
        let (block, node, function) = ("main".into(), format!("n{step}"), "f".into());
        Event { block, step, node, function, start, nanoseconds, operations: 1000, bytes: 400 }
    }

    #[test]
    fn steps_have_the_median_of_the_calls_and_loops_are_added_up() {
        let call = |t: u64| vec![event(0, 0, t), event(1, t, 10), event(1, t + 10, 30)];
        let limits = Limits {
            operations_per_second: 1e12,
            byte_operations_per_second: 4e12,
            bytes_per_second: vec![(1 << 20, 1e11)],
        };
        let rows = rows(&[call(100), call(900), call(120)], &limits);
        assert_eq!(rows.iter().map(|r| (r.seconds * 1e9).round()).collect::<Vec<_>>(), [120.0, 40.0]);
        assert_eq!((rows[1].operations, rows[1].bytes, rows[1].bound), (2000, 800, "memory"));
        assert!((rows[0].share - 0.75).abs() < 1e-9);
        assert!((rows[0].limit - 4.0 / 120.0).abs() < 1e-9, "400 bytes take 4 ns");
    }
}
