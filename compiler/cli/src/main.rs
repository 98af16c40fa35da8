//! `dlc`: the command line. One file per verb in `verbs`; all reading of flags and all printing happens in this crate.

mod args;
mod engine;
mod failure;
mod files;
mod inputs;
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
    #[command(subcommand)]
    verb: verbs::Verb,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ui = ui::Ui::new(cli.json);
    match cli.verb.run(&ui) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => ui.report(&failure),
    }
}
