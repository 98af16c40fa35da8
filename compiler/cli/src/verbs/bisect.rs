//! `dlc bisect`

use crate::args::{CompileArgs, InputArgs, amount};
use crate::failure::{Doing, Failure, Result};
use crate::ui::Ui;
use crate::{inputs, subject, table};
use dlc_compiler::bisect::{self, Finding};
use dlc_compiler::sizes;
use serde::Serialize;
use std::ops::ControlFlow;
use std::path::PathBuf;

/// Find the stage of the compiler, and the rule, that changes a result.
#[derive(clap::Args)]
pub struct Bisect {
    /// The model (.onnx).
    model: PathBuf,
    #[command(flatten)]
    how: CompileArgs,
    #[command(flatten)]
    inputs: InputArgs,
    /// Run on the recorded inputs input_K.pb of this folder.
    #[arg(long, value_name = "DIR", conflicts_with = "inputs")]
    data: Option<PathBuf>,
    /// Relative L2 distance above which a result counts as changed.
    #[arg(long, default_value = "1e-4", value_parser = amount)]
    tolerance: f64,
}

#[derive(Serialize)]
struct Report {
    changed_by: Option<&'static str>,
    rule: Option<String>,
    stages: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    stage: &'static str,
    output: Option<String>,
    rel_l2: Option<f64>,
    max_abs: Option<f64>,
    broken: Option<String>,
}

impl Bisect {
    pub fn run(self, ui: &Ui) -> Result<()> {
        let doing = || format!("bisecting {}", self.model.display());
        let options = self.how.options()?;
        let imported = subject::model(&self.model, &options, ui)?;
        let ports = sizes::inputs(&imported.graph);
        let given = match &self.data {
            Some(dir) => inputs::recorded(&self.model, &ports, dir)?,
            None => self.inputs.inputs.clone(),
        };
        let x = inputs::resolve(&ports, &given, &[], ui)?;
        sizes::check(&imported.assumptions, &ports, &x).doing(doing)?;
        let bar = ui.bar(1);
        let mut seen = |f: &Finding| {
            bar.at(0, f.stage);
            ControlFlow::Continue(())
        };
        let findings = bisect::stages(&imported.graph, &x, &options, self.tolerance, &mut seen).doing(doing)?;
        drop(bar);
        self.conclude(&findings, ui)
    }

    fn conclude(&self, findings: &[Finding], ui: &Ui) -> Result<()> {
        let bad = findings.last().filter(|f| !f.good(self.tolerance));
        let rule = bad.and_then(|f| f.rule.clone());
        let report = Report { changed_by: bad.map(|f| f.stage), rule, stages: findings.iter().map(row).collect() };
        ui.show(&report, || report.text())?;
        match (report.changed_by, &report.rule) {
            (Some(stage), Some(rule)) => Err(Failure::data(format!("rule {rule} of stage {stage} changes a result"))),
            (Some(stage), None) => Err(Failure::data(format!("stage {stage} changes a result"))),
            _ => Ok(()),
        }
    }
}

fn row(f: &Finding) -> Row {
    let worst = f.worst.as_ref();
    Row {
        stage: f.stage,
        output: worst.map(|w| w.0.clone()),
        rel_l2: worst.map(|w| w.1.rel_l2),
        max_abs: worst.map(|w| w.1.max_abs),
        broken: f.broken.clone(),
    }
}

impl Report {
    fn text(&self) -> String {
        let number = |v: Option<f64>| v.map(table::error).unwrap_or_default();
        let cells = |r: &Row| {
            let what = r.broken.clone().or(r.output.clone()).unwrap_or_default();
            vec![r.stage.to_string(), number(r.rel_l2), number(r.max_abs), what]
        };
        let t = table::table(&["stage", ">relative L2", ">max abs", "worst output"], self.stages.iter().map(cells));
        match self.changed_by {
            Some(_) => t,
            None => format!("{t}\nno stage changes a result"),
        }
    }
}
