//! `dlc`: the command line. One file per verb in `verbs`; all reading of flags and all printing happens in this crate.

mod args;
mod engine;
mod failure;
mod files;
mod inputs;
mod limits;
mod memory;
mod minimize;
mod npy;
mod npy_text;
mod page;
mod process;
mod subject;
mod table;
mod ui;
mod verbs;

use clap::Parser;
use dlc_ir::budget::{Limits, within};
use std::process::ExitCode;

/// Compiles trained ONNX models into one file each, runs them, and checks the result.
///
/// Exit codes: 0 done, 1 the model or the data is at fault, 2 the command line is, 130 interrupted.
#[derive(Parser)]
#[command(name = "dlc", version, propagate_version = true, max_term_width = 110)]
struct Cli {
    /// Print one JSON object instead of text.
    #[arg(long, global = true)]
    json: bool,
    /// Most memory for reading, folding and interpreting a model and for the arena of a program: 512MB, 2GiB, or a number of
    /// bytes; half of the machine's by default. Mapped files are not counted.
    #[arg(long, global = true, value_name = "SIZE", value_parser = memory::parse)]
    max_memory: Option<u64>,
    #[command(subcommand)]
    verb: verbs::Verb,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ui = ui::Ui::new(cli.json);
    let limits = Limits { bytes: cli.max_memory.unwrap_or_else(memory::share), ..Limits::NONE };
    match within(limits, || cli.verb.run(&ui)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => ui.report(&failure),
    }
}
