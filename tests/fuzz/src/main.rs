//! Runs random graphs and operators at length: see `--help`.

use clap::{Args, Parser, Subcommand};
use dlc_fuzz::check::{Ways, check, guarded};
use dlc_fuzz::shrink::{Case, shrink};
use dlc_fuzz::{case, menu, ort};
use indicatif::{ProgressBar, ProgressStyle};
use std::fs;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Compares every way to run random models. A seed always gives the same model.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Random graphs: the oracle before and after all stages, text, ONNX, and compiled code.
    Graphs(Span),
    /// Random cases of single operators: meaning, lowering and compiled code.
    Ops(Span),
    /// Writes cases of single operators and small graphs, as JSON lines, for `ort.py`.
    Ort {
        #[command(flatten)]
        span: Span,
        /// File to write.
        #[arg(long)]
        to: PathBuf,
        /// Graphs instead of operators.
        #[arg(long)]
        graphs: bool,
    },
    /// Prints the model of a seed, or of a file of a case, and what is wrong with it.
    Show {
        /// Seed, or path of a case.
        what: String,
        /// The seed is of an operator.
        #[arg(long)]
        op: bool,
    },
}

#[derive(Args)]
struct Span {
    /// Seeds, the last not included: `A..B`.
    #[arg(long, value_parser = seeds)]
    seeds: (u64, u64),
    /// Threads.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Each so many-th graph is also compiled for the processor; 0 is none.
    #[arg(long, default_value_t = 25)]
    cpu_every: u64,
    /// Folder where failing cases are written, made small.
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Stop after so many failures.
    #[arg(long, default_value_t = 100)]
    most: u64,
}

fn seeds(s: &str) -> Result<(u64, u64), String> {
    let (a, b) = s.split_once("..").ok_or("expected A..B")?;
    let number = |s: &str| s.replace('_', "").parse::<u64>().map_err(|e| format!("{s:?}: {e}"));
    Ok((number(a)?, number(b)?))
}

fn main() -> ExitCode {
    let failures = match Cli::parse().what {
        What::Graphs(span) => run(&span, "graphs", &|seed| {
            let cpu = span.cpu_every > 0 && seed % span.cpu_every == 0;
            let random = (seed % 3 == 0).then_some(seed);
            (menu::graph(seed), Ways { onnx: seed % 4 == 0, cpu, lowering: false, random })
        }),
        What::Ops(span) => run(&span, "operators", &|seed| {
            let (_, g, x) = menu::operator(seed);
            let cpu = span.cpu_every > 0 && (seed / menu::MENU.len() as u64).is_multiple_of(span.cpu_every);
            ((g, x), Ways { cpu, ..Ways::ALL })
        }),
        What::Ort { span, to, graphs } => write_cases(&span, &to, graphs),
        What::Show { what, op } => show(&what, op),
    };
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs the seeds on all threads; gives the number of failures.
fn run(span: &Span, what: &str, make: &(dyn Fn(u64) -> (Case, Ways) + Sync)) -> u64 {
    let bar = bar(span);
    let (next, failed) = (AtomicU64::new(span.seeds.0), AtomicU64::new(0));
    std::thread::scope(|s| {
        for _ in 0..span.jobs.max(1) {
            s.spawn(|| {
                while failed.load(Relaxed) < span.most {
                    let seed = next.fetch_add(1, Relaxed);
                    if seed >= span.seeds.1 {
                        break;
                    }
                    match guarded("making", || Ok(make(seed))) {
                        Ok((case, ways)) => {
                            if let Err(e) = check(&case.0, &case.1, ways) {
                                failed.fetch_add(1, Relaxed);
                                bar.suspend(|| println!("seed {seed}: {e}"));
                                keep(span, seed, case, ways, &e);
                            }
                        }
                        Err(e) => {
                            failed.fetch_add(1, Relaxed);
                            bar.suspend(|| println!("seed {seed}: {e}"));
                        }
                    }
                    bar.inc(1);
                }
            });
        }
    });
    let (done, failed, time) = (bar.position(), failed.into_inner(), bar.elapsed().as_secs_f64());
    bar.finish_and_clear();
    println!("{done} {what}, {failed} differences, {:.0} a second", done as f64 / time);
    failed
}

fn bar(span: &Span) -> ProgressBar {
    let bar = ProgressBar::new(span.seeds.1.saturating_sub(span.seeds.0));
    if let Ok(style) = ProgressStyle::with_template("{pos}/{len} {wide_bar} {per_sec} {eta}") {
        bar.set_style(style);
    }
    bar
}

/// The way that failed and what it said, without numbers: what stays the same while a case is made small.
fn kind(e: &str) -> String {
    let head: Vec<&str> = e.split(": ").take(2).collect();
    let text = if e.contains("panic") { e.to_string() } else { head.join(": ") };
    text.chars().filter(|c| !c.is_ascii_digit()).take(40).collect()
}

/// Makes a failing case small and writes it.
fn keep(span: &Span, seed: u64, case: Case, ways: Ways, e: &str) {
    let Some(folder) = &span.keep else { return };
    let wanted = kind(e);
    let fails = |c: &Case| check(&c.0, &c.1, ways).is_err_and(|e| kind(&e) == wanted);
    let Ok((g, x)) = guarded("making small", || Ok(shrink(case.clone(), &fails))) else {
        println!("  seed {seed} could not be made small: a way panics on a smaller one");
        return;
    };
    let path = folder.join(format!("seed{seed}.txt"));
    let written = fs::create_dir_all(folder).and_then(|_| fs::write(&path, case::print(&g, &x)));
    match (written, check(&g, &x, ways)) {
        (Ok(()), Err(e)) => println!("  {}: {e}", path.display()),
        (Ok(()), Ok(())) => println!("  {}", path.display()),
        (Err(e), _) => println!("  {}: {e}", path.display()),
    }
}

fn write_cases(span: &Span, to: &PathBuf, graphs: bool) -> u64 {
    let file = match fs::File::create(to) {
        Ok(f) => Mutex::new(BufWriter::new(f)),
        Err(e) => {
            eprintln!("{}: {e}", to.display());
            return 1;
        }
    };
    let bar = bar(span);
    let next = AtomicU64::new(span.seeds.0);
    std::thread::scope(|s| {
        for _ in 0..span.jobs.max(1) {
            s.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Relaxed);
                    if seed >= span.seeds.1 {
                        break;
                    }
                    let (name, g, x) = match graphs {
                        true => menu::graph(seed).into_named("graph"),
                        false => menu::operator(seed),
                    };
                    if let Some(line) = ort::line(seed, name, &g, &x)
                        && let Ok(mut f) = file.lock()
                    {
                        let _ = writeln!(f, "{line}");
                    }
                    bar.inc(1);
                }
            });
        }
    });
    bar.finish_and_clear();
    0
}

/// A case with the name of what it is.
trait Named {
    fn into_named(self, name: &'static str) -> (&'static str, dlc_ir::Graph, Vec<dlc_ir::Tensor>);
}

impl Named for Case {
    fn into_named(self, name: &'static str) -> (&'static str, dlc_ir::Graph, Vec<dlc_ir::Tensor>) {
        (name, self.0, self.1)
    }
}

fn show(what: &str, op: bool) -> u64 {
    let found = match (what.parse::<u64>(), op) {
        (Ok(seed), false) => Ok(menu::graph(seed)),
        (Ok(seed), true) => Ok((menu::operator(seed).1, menu::operator(seed).2)),
        _ => fs::read_to_string(what).map_err(|e| e.to_string()).and_then(|s| case::parse(&s)),
    };
    match found {
        Ok((g, x)) => {
            println!("{}", case::print(&g, &x));
            let found: Vec<String> = [None, Some(1), Some(2), Some(3)]
                .iter()
                .filter_map(|random| check(&g, &x, Ways { random: *random, ..Ways::ALL }).err())
                .collect();
            found.iter().for_each(|e| println!("{e}"));
            found.len() as u64
        }
        Err(e) => {
            eprintln!("{what}: {e}");
            1
        }
    }
}
