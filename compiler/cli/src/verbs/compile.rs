//! `dlc compile`

use crate::args::{CompileArgs, amount};
use crate::failure::{Doing, Failure, Result};
use crate::minimize::Subject;
use crate::ui::Ui;
use crate::{files, subject, table};
use dlc_compiler::Progress;
use dlc_compiler::stages::{self, Imported};
use dlc_ir::text;
use serde::Serialize;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Compile a model into an artifact.
#[derive(clap::Args)]
pub struct Compile {
    /// The model (.onnx).
    model: PathBuf,
    /// Where to write; by default the model's name with the extension .dlc (or that of the form).
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    how: CompileArgs,
    /// Print the graph as text after this stage and stop there.
    #[arg(long, value_name = "STAGE", conflicts_with_all = ["output", "emit"])]
    dump_after: Option<String>,
    /// Write another form of the program instead of the artifact.
    #[arg(long, value_name = "FORM", value_parser = ["text", "plan", "clif", "asm", "obj"])]
    emit: Option<String>,
    /// Write the smallest part of the model that fails in the same way, as .onnx, instead of an artifact.
    #[arg(long, conflicts_with_all = ["dump_after", "emit"])]
    minimize: bool,
    /// With --minimize: run on the recorded inputs input_K.pb of this folder.
    #[arg(long, value_name = "DIR", requires = "minimize")]
    data: Option<PathBuf>,
    /// With --minimize: relative L2 distance above which a result is wrong.
    #[arg(long, default_value = "1e-4", value_parser = amount)]
    tolerance: f64,
    /// With --minimize: longest that a try may take; a model that takes longer is made small as one that does not end. By default ten times
    /// what the model takes, and 10 seconds more.
    #[arg(long, value_name = "SECONDS", value_parser = amount, requires = "minimize")]
    timeout: Option<f64>,
}

#[derive(Serialize)]
struct Report {
    file: PathBuf,
    bytes: u64,
    /// What it is for; of `cpu`, the target it stands for on this machine.
    target: &'static str,
    form: String,
    nodes_imported: usize,
    nodes_compiled: usize,
    seconds: f64,
}

impl Compile {
    pub fn run(self, ui: &Ui) -> Result<()> {
        let start = Instant::now();
        if let Some(stage) = &self.dump_after {
            return self.dump(stage, ui);
        }
        if self.minimize {
            return self.minimize(ui);
        }
        let form = self.emit.clone().unwrap_or_else(|| "artifact".into());
        self.check_form(&form)?;
        let imported = subject::model(&self.model, &self.how.options()?, ui)?;
        let nodes_imported = imported.graph.len();
        let (model, bytes) = self.compile(imported, &form, ui)?;
        let file = self.file(&form);
        files::write(&file, &bytes)?;
        let report = Report {
            bytes: bytes.len() as u64,
            target: self.how.target.stands_for(self.how.precision),
            form,
            nodes_imported,
            nodes_compiled: model.graph.len(),
            seconds: start.elapsed().as_secs_f64(),
            file,
        };
        ui.show(&report, || report.text())
    }

    fn minimize(&self, ui: &Ui) -> Result<()> {
        let output = self.output.clone().unwrap_or_else(|| self.model.with_extension("small.onnx"));
        let (model, data) = (&*self.model, self.data.as_deref());
        let timeout = self.timeout.map(|s| Duration::from_secs_f64(s.min(1e9)));
        Subject { model, how: &self.how, data, tolerance: self.tolerance, timeout, output }.minimize(ui)
    }

    /// Says before any work that the target has no such form.
    fn check_form(&self, form: &str) -> Result<()> {
        let t = self.how.target;
        match (form, t.emit) {
            ("text", _) => Ok(()),
            (_, None) => Err(Failure::usage(dlc_compiler::Error::NoArtifact(t.name).to_string())),
            (f, _) if t.forms.contains(&f) => Ok(()),
            _ => {
                Err(Failure::usage(format!("target {} has no form {form:?}, expected {}", t.name, t.forms.join(", "))))
            }
        }
    }

    fn compile(&self, model: Imported, form: &str, ui: &Ui) -> Result<(Imported, Vec<u8>)> {
        let bar = ui.bar(1);
        let doing = || format!("compiling {}", self.model.display());
        let options = self.how.options()?;
        let graph = stages::optimize(model.graph, &options, &mut |p| bar.follow(p)).doing(doing)?;
        let model = Imported { graph, ..model };
        let bytes = stages::emit(&model, &options, form, &mut |p| bar.follow(p)).doing(doing)?;
        Ok((model, bytes))
    }

    fn dump(&self, stage: &str, ui: &Ui) -> Result<()> {
        let stage = stages::by_name(stage).map_err(|e| Failure::usage(e.to_string()))?;
        let mut dump = None;
        let mut watch = |p: Progress| match p.graph {
            Some(g) if p.stage.name == stage.name => {
                dump = Some(text::print_short(g));
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        };
        let options = self.how.options()?;
        let imported = stages::import_model(&self.model, &options, &mut watch);
        let done = imported.and_then(|m| stages::optimize(m.graph, &options, &mut watch));
        match (dump, done) {
            (Some(text), _) => ui.show(&text, || text.clone()),
            (None, done) => done.map(drop).doing(|| format!("compiling {}", self.model.display())),
        }
    }

    fn file(&self, form: &str) -> PathBuf {
        let extension = match form {
            "artifact" => "dlc",
            "text" => "txt",
            "asm" => "s",
            "obj" => "o",
            other => other,
        };
        self.output.clone().unwrap_or_else(|| self.model.with_extension(extension))
    }
}

impl Report {
    fn text(&self) -> String {
        format!(
            "{}: {}, {} for {}, {} nodes from {}, in {}",
            self.file.display(),
            table::bytes(self.bytes),
            self.form,
            self.target,
            self.nodes_compiled,
            self.nodes_imported,
            table::seconds(self.seconds)
        )
    }
}
