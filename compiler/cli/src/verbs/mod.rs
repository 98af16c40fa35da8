//! The verbs: one file each.

mod bench;
mod bisect;
mod compile;
mod completions;
mod doctor;
mod inspect;
mod models;
mod operators;
mod probe;
mod profile;
mod run;
mod targets;
mod verify;

use crate::failure::Result;
use crate::ui::Ui;

/// What to do.
#[derive(clap::Subcommand)]
pub enum Verb {
    Compile(compile::Compile),
    Run(run::Run),
    Inspect(inspect::Inspect),
    Verify(verify::Verify),
    Bench(bench::Bench),
    Bisect(bisect::Bisect),
    Models(models::Models),
    Operators(operators::Operators),
    Probe(probe::Probe),
    Profile(profile::Profile),
    Targets(targets::Targets),
    Doctor(doctor::Doctor),
    Completions(completions::Completions),
}

impl Verb {
    /// Does it.
    pub fn run(self, ui: &Ui) -> Result<()> {
        match self {
            Verb::Compile(v) => v.run(ui),
            Verb::Run(v) => v.run(ui),
            Verb::Inspect(v) => v.run(ui),
            Verb::Verify(v) => v.run(ui),
            Verb::Bench(v) => v.run(ui),
            Verb::Bisect(v) => v.run(ui),
            Verb::Models(v) => v.run(ui),
            Verb::Operators(v) => v.run(ui),
            Verb::Probe(v) => v.run(ui),
            Verb::Profile(v) => v.run(ui),
            Verb::Targets(v) => v.run(ui),
            Verb::Doctor(v) => v.run(ui),
            Verb::Completions(v) => v.run(ui),
        }
    }
}
