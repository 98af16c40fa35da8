//! `dlc completions`

use crate::failure::Result;
use crate::ui::Ui;
use clap::CommandFactory;
use clap_complete::Shell;

/// Print a completion script for a shell.
#[derive(clap::Args)]
pub struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub fn run(self, ui: &Ui) -> Result<()> {
        let mut script = vec![];
        clap_complete::generate(self.shell, &mut crate::Cli::command(), "dlc", &mut script);
        ui.print_bytes(&script)
    }
}
