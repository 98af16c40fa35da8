//! `dlc models`

use crate::failure::{Doing, Failure, Result};
use crate::ui::Ui;
use crate::{files, table};
use dlc_ir::suggest::did_you_mean;
use dlc_models::{MODELS, Model};
use serde::Serialize;
use std::path::PathBuf;

/// List the networks built in, or write one, with weights by a seed.
#[derive(clap::Args)]
pub struct Models {
    /// Network to write.
    name: Option<String>,
    /// Where to write it: as ONNX, or as text where the name ends in .txt.
    #[arg(short, long, value_name = "FILE", requires = "name")]
    output: Option<PathBuf>,
    /// Seed of the weights.
    #[arg(long, default_value = "0", requires = "name")]
    seed: u64,
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    doc: &'static str,
    nodes: usize,
}

#[derive(Serialize)]
struct Written {
    file: PathBuf,
    bytes: usize,
}

impl Models {
    pub fn run(self, ui: &Ui) -> Result<()> {
        match &self.name {
            None => list(ui),
            Some(name) => self.write(find(name)?, ui),
        }
    }

    fn write(&self, model: &Model, ui: &Ui) -> Result<()> {
        let graph = (model.build)(self.seed);
        let file = self.output.clone().unwrap_or_else(|| format!("{}.onnx", model.name).into());
        let bytes = match file.extension().is_some_and(|e| e == "txt") {
            true => dlc_ir::text::print(&graph).into_bytes(),
            false => dlc_onnx::export(&graph).doing(|| format!("writing {}", file.display()))?,
        };
        files::write(&file, &bytes)?;
        let report = Written { file, bytes: bytes.len() };
        ui.show(&report, || format!("{}: {}", report.file.display(), table::bytes(report.bytes as u64)))
    }
}

fn find(name: &str) -> Result<&'static Model> {
    dlc_models::find(name).ok_or_else(|| {
        let names: Vec<_> = MODELS.iter().map(|m| m.name).collect();
        let near = did_you_mean(name, names.iter().copied());
        Failure::usage(format!("no network is named {name:?}, expected one of {}{near}", names.join(", ")))
    })
}

fn list(ui: &Ui) -> Result<()> {
    let row = |m: &Model| Row { name: m.name, doc: m.doc, nodes: (m.build)(0).len() };
    let rows: Vec<Row> = MODELS.iter().map(row).collect();
    let cells = |r: &Row| vec![r.name.to_string(), r.nodes.to_string(), r.doc.to_string()];
    ui.show(&rows, || table::table(&["network", ">nodes", "what it is"], rows.iter().map(cells)))
}
