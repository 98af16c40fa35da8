//! `dlc targets`

use crate::failure::Result;
use crate::table;
use crate::ui::Ui;
use dlc_compiler::{Precision, TARGETS};
use serde::Serialize;

/// List what can be compiled for.
#[derive(clap::Args)]
pub struct Targets {}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    doc: &'static str,
    /// What a target that depends on the machine stands for on this one.
    here: Option<&'static str>,
    artifact: bool,
    forms: &'static [&'static str],
}

impl Targets {
    pub fn run(self, ui: &Ui) -> Result<()> {
        let row = |t: &dlc_compiler::Target| Row {
            name: t.name,
            doc: t.doc,
            here: t.here.map(|here| here(Precision::default())),
            artifact: t.emit.is_some(),
            forms: t.forms,
        };
        let rows: Vec<Row> = TARGETS.iter().map(row).collect();
        ui.show(&rows, || {
            let doc = |r: &Row| r.here.map_or(r.doc.to_string(), |here| format!("{} (here {here})", r.doc));
            let cells = rows.iter().map(|r| vec![r.name.to_string(), r.forms.join(", "), doc(r)]);
            table::table(&["target", "forms", "what it is"], cells)
        })
    }
}
