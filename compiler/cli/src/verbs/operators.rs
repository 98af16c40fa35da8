//! `dlc operators`

use crate::failure::{Doing, Failure, Result};
use crate::table;
use crate::ui::Ui;
use dlc_compiler::operators::{self, Support};
use dlc_ir::ops;
use std::ops::ControlFlow;

/// Say which operators are supported, with which element types.
#[derive(clap::Args)]
pub struct Operators {
    /// Operators, by name (`Conv`, `com.microsoft.Gelu`); all of them if none is named.
    names: Vec<String>,
    /// Print the page of the documentation.
    #[arg(long, conflicts_with = "names")]
    page: bool,
}

impl Operators {
    pub fn run(self, ui: &Ui) -> Result<()> {
        let rows = match self.names.is_empty() {
            true => all(ui)?,
            false => self.names.iter().map(|n| named(n)).collect::<Result<_>>()?,
        };
        match self.page {
            true => ui.print(&operators::page(&rows)),
            false => ui.show(&rows, || text(&rows)),
        }
    }
}

fn all(ui: &Ui) -> Result<Vec<Support>> {
    let bar = ui.bar(operators::operators().len() as u64);
    let mut seen = |i: usize, name: &str| {
        bar.at(i as u64, name);
        ControlFlow::Continue(())
    };
    operators::all(&mut seen).doing(|| "trying the operators".into())
}

fn named(name: &str) -> Result<Support> {
    let op = ops::by_name(name).ok_or_else(|| unknown(name))?;
    Ok(operators::of(op))
}

fn text(rows: &[Support]) -> String {
    let cells = rows.iter().flat_map(|s| {
        s.operands.iter().enumerate().map(move |(i, o)| {
            let first = |text: String| if i == 0 { text } else { String::new() };
            let star = if s.takes_graph { " *" } else { "" };
            let cpu = o.targets.get("cpu").map_or("none".into(), |t| operators::types(t));
            let oracle = operators::types(&o.oracle) + star;
            let gradient = if s.gradient { "yes" } else { "no" };
            vec![first(s.name.clone()), first(s.opset()), o.places(), oracle, cpu, first(gradient.into())]
        })
    });
    let columns = ["operator", "opset", "operands", "oracle", "cpu", "gradient"];
    let refused: Vec<String> =
        dlc_onnx::REFUSED.iter().map(|r| format!("refused: {}{}: {}", domain(r.0), r.1, r.2)).collect();
    format!("{}\n\n{}", table::table(&columns, cells), refused.join("\n"))
}

fn domain(domain: &str) -> String {
    if domain.is_empty() { String::new() } else { format!("{domain}.") }
}

fn unknown(name: &str) -> Failure {
    let names: Vec<String> = ops::OPS.iter().map(|op| dlc_ir::OpRef(*op).full_name()).collect();
    let near = dlc_ir::suggest::did_you_mean(name, names.iter().map(String::as_str));
    Failure::usage(format!("no operator is named {name:?}, expected one that `dlc operators` lists{near}"))
}
