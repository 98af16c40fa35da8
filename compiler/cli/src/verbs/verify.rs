//! `dlc verify`

use crate::args::{CompileArgs, InputArgs, amount, threads};
use crate::engine::Engine;
use crate::failure::{Doing, Failure, Result};
use crate::ui::Ui;
use crate::{inputs, subject, table};
use dlc_compiler::stages::Imported;
use dlc_compiler::{Difference, Precision, sizes};
use dlc_ir::graph::Kind;
use dlc_ir::{Graph, Tensor, Value};
use serde::Serialize;
use std::path::PathBuf;

/// Compare a compiled model with the meaning of its operators, and with recorded results.
#[derive(clap::Args)]
pub struct Verify {
    /// The model (.onnx).
    model: PathBuf,
    /// An artifact compiled from it; without one the model is compiled now.
    #[arg(conflicts_with = "per_layer")]
    artifact: Option<PathBuf>,
    #[command(flatten)]
    how: CompileArgs,
    #[command(flatten)]
    inputs: InputArgs,
    /// Run on the recorded inputs input_K.pb of this folder, and compare with its output_K.pb too.
    #[arg(long, value_name = "DIR", conflicts_with = "inputs")]
    data: Option<PathBuf>,
    /// Compare every intermediate result, not only the outputs.
    #[arg(long)]
    per_layer: bool,
    /// Relative L2 distance that is refused, by default 1e-4, and 5e-2 with --precision bf16; results that are not
    /// floating-point must be equal.
    #[arg(long, value_parser = amount)]
    tolerance: Option<f64>,
    /// Threads to run on.
    #[arg(long, default_value = "1", value_parser = threads)]
    threads: usize,
}

#[derive(Serialize)]
struct Report {
    good: bool,
    worst: Option<String>,
    rows: Vec<Row>,
}

/// One comparison: the value `name` as `found` gives it with that of `expected`.
#[derive(Serialize)]
struct Row {
    name: String,
    found: &'static str,
    expected: &'static str,
    #[serde(flatten)]
    difference: Option<Difference>,
    misfit: Option<String>,
    good: bool,
}

impl Verify {
    pub fn run(self, ui: &Ui) -> Result<()> {
        let mut model = subject::model(&self.model, &self.how.options()?, ui)?;
        if self.per_layer {
            show_all(&mut model.graph);
        }
        let ports = sizes::inputs(&model.graph);
        let given = match &self.data {
            Some(dir) => inputs::recorded(&self.model, &ports, dir)?,
            None => self.inputs.inputs.clone(),
        };
        let x = inputs::resolve(&ports, &given, &self.how.dims, ui)?;
        let mut oracle = Engine::oracle(model.clone());
        let bar = ui.bar(0);
        bar.at(0, "running the oracle");
        let expected = oracle.run(&x).doing(|| format!("running the oracle on {}", self.model.display()))?;
        drop(bar);
        let names = oracle.outputs();
        let mut engine = self.engine(model, ui)?;
        let found = engine.run(&x).doing(|| format!("running {}", self.model.display()))?;
        if found.len() != expected.len() {
            let what = format!("the artifact has {} outputs, the model has {}", found.len(), expected.len());
            return Err(Failure::data(what)).doing(|| "comparing".into());
        }
        let all = |tensors: &[Tensor]| tensors.iter().cloned().map(Some).collect::<Vec<_>>();
        let mut rows = self.rows(&names, (engine.name(), &found), ("oracle", &all(&expected)));
        if let Some(dir) = &self.data {
            let recorded = inputs::recorded_outputs(&self.model, dir, names.len())?;
            rows.extend(self.rows(&names, ("oracle", &expected), ("recorded", &recorded)));
            rows.extend(self.rows(&names, (engine.name(), &found), ("recorded", &recorded)));
        }
        self.conclude(rows, ui)
    }

    fn tolerance(&self) -> f64 {
        self.tolerance.unwrap_or(match self.how.precision {
            Precision::F32 => 1e-4,
            Precision::Bf16 => 5e-2,
        })
    }

    fn engine(&self, model: Imported, ui: &Ui) -> Result<Engine> {
        match &self.artifact {
            Some(path) => Engine::open(path, self.threads),
            None => subject::compile(model, &self.how.options()?, self.threads, ui),
        }
    }

    /// Compares what is there to compare.
    fn rows(
        &self,
        names: &[String],
        found: (&'static str, &[Tensor]),
        expected: (&'static str, &[Option<Tensor>]),
    ) -> Vec<Row> {
        let pairs = names.iter().zip(found.1.iter().zip(expected.1));
        let row = |(name, (f, e)): (&String, (&Tensor, &Option<Tensor>))| {
            let e = e.as_ref()?;
            let (difference, misfit) = match Difference::of(e, f) {
                Ok(d) => (Some(d), None),
                Err(what) => (None, Some(what)),
            };
            let good = difference.is_some_and(|d| d.within(e.dtype(), self.tolerance()));
            Some(Row { name: name.clone(), found: found.0, expected: expected.0, difference, misfit, good })
        };
        pairs.filter_map(row).collect()
    }

    fn conclude(&self, rows: Vec<Row>, ui: &Ui) -> Result<()> {
        let far = |r: &&Row| r.difference.map_or(f64::INFINITY, |d| d.rel_l2);
        let worst = rows.iter().max_by(|a, b| far(a).total_cmp(&far(b))).map(|r| r.name.clone());
        let bad = rows.iter().filter(|r| !r.good).count();
        let report = Report { good: bad == 0, worst, rows };
        ui.show(&report, || report.text(self.per_layer))?;
        match bad {
            0 => Ok(()),
            n => Err(Failure::data(format!(
                "{n} of {} results differ by more than {}",
                report.rows.len(),
                self.tolerance()
            ))),
        }
    }
}

/// Makes every intermediate result an output, after those that are, under the name of its node.
fn show_all(g: &mut Graph) {
    let all: Vec<_> = g.nodes().filter(|id| matches!(g.node(*id).kind, Kind::Op { .. })).collect();
    for node in all {
        for port in 0..g.node(node).outputs.len() {
            let v = Value { node, port: port as u32 };
            let name = match port {
                0 => g.node(node).name.clone(),
                _ => format!("{}:{port}", g.node(node).name),
            };
            if !g.is_output(v) && !g.outputs().iter().any(|o| o.0 == name) {
                g.add_output(&name, v);
            }
        }
    }
}

impl Report {
    fn text(&self, all: bool) -> String {
        let number = |v: Option<f64>| v.map(table::error).unwrap_or_default();
        let cells = |r: &Row| {
            let d = r.difference;
            let cosine = d.map(|d| format!("{:.6}", d.cosine)).unwrap_or_default();
            let end = r.misfit.clone().unwrap_or_else(|| if r.good { "ok".into() } else { "differs".into() });
            let pair = format!("{} / {}", r.found, r.expected);
            vec![r.name.clone(), pair, number(d.map(|d| d.rel_l2)), number(d.map(|d| d.max_abs)), cosine, end]
        };
        let columns = ["result", "found / expected", ">relative L2", ">max abs", ">cosine", ""];
        let t = table::table(&columns, self.rows.iter().map(cells));
        match (&self.worst, all) {
            (Some(w), true) => format!("{t}\nworst layer: {w}"),
            (Some(w), false) => format!("{t}\nworst output: {w}"),
            (None, _) => t,
        }
    }
}
