//! `dlc probe`: what `dlc compile --minimize` asks a process of its own, since the answer may be a crash.

use crate::args::{CompileArgs, amount};
use crate::engine::Engine;
use crate::failure::{Doing, Failure, Result};
use crate::inputs;
use crate::ui::Ui;
use dlc_compiler::minimize::{Kind, Symptom};
use dlc_compiler::stages::{self, Imported};
use dlc_compiler::{Difference, Error, Options, Progress, bisect, sizes};
use dlc_ir::Tensor;
use std::ops::ControlFlow;
use std::path::PathBuf;

/// Say how a model fails, as JSON; `null` if it does not.
#[derive(clap::Args)]
#[command(hide = true)]
pub struct Probe {
    /// The model (.onnx).
    model: PathBuf,
    #[command(flatten)]
    how: CompileArgs,
    /// Run on the recorded inputs input_K.pb of this folder.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Relative L2 distance above which a result is wrong.
    #[arg(long, default_value = "1e-4", value_parser = amount)]
    tolerance: f64,
    /// Go no further than failures of this kind.
    #[arg(long, value_parser = ["import", "compile"])]
    only: Option<String>,
}

impl Probe {
    pub fn run(self, ui: &Ui) -> Result<()> {
        let symptom = self.symptom(ui)?;
        let json = serde_json::to_string(&symptom).map_err(|e| Failure::data(e.to_string()))?;
        ui.print(&json)
    }

    fn symptom(&self, ui: &Ui) -> Result<Option<Symptom>> {
        let options = self.how.options()?;
        let mut go = |_: Progress| ControlFlow::Continue(());
        let model = match stages::import_model(&self.model, &options, &mut go) {
            Ok(model) => model,
            Err(e) => return Ok(Some(Symptom::new(Kind::Import, None, &message(e)))),
        };
        let only = self.only.as_deref();
        if only == Some("import") {
            return Ok(None);
        }
        let graph = match stages::optimize(model.graph.clone(), &options, &mut go) {
            Ok(graph) => graph,
            Err(e) => return Ok(Some(compile(e))),
        };
        let best = Imported { graph, assumptions: model.assumptions.clone() };
        let mut engine = match options.target.emit {
            None => Engine::oracle(best),
            Some(_) => match stages::emit(&best, &options, "artifact", &mut go) {
                Ok(bytes) => Engine::load(bytes, 1)?,
                Err(e) => return Ok(Some(compile(e))),
            },
        };
        if only == Some("compile") {
            return Ok(None);
        }
        let ports = sizes::inputs(&model.graph);
        let given = match &self.data {
            Some(dir) => inputs::recorded(&self.model, &ports, dir)?,
            None => vec![],
        };
        let x = inputs::resolve(&ports, &given, &self.how.dims, ui)?;
        let expected = match Engine::oracle(model.clone()).run(&x) {
            Ok(y) => y,
            Err(e) => return Ok(Some(Symptom::new(Kind::Reference, None, &e.to_string()))),
        };
        match engine.run(&x) {
            Err(e) => Ok(Some(Symptom::new(Kind::Run, None, &e.to_string()))),
            Ok(found) if self.alike(&expected, &found) => Ok(None),
            Ok(_) => self.wrong(&model, &x, &options).map(Some),
        }
    }

    fn alike(&self, expected: &[Tensor], found: &[Tensor]) -> bool {
        let near = |(e, f): (&Tensor, &Tensor)| Difference::of(e, f).is_ok_and(|d| d.within(e.dtype(), self.tolerance));
        expected.len() == found.len() && expected.iter().zip(found).all(near)
    }

    /// Which stage, and which rule, changes a result.
    fn wrong(&self, model: &Imported, x: &[Tensor], options: &Options) -> Result<Symptom> {
        let mut seen = |_: &bisect::Finding| ControlFlow::Continue(());
        let found = bisect::stages(&model.graph, x, options, self.tolerance, &mut seen).doing(|| "bisecting".into())?;
        let stage = match found.last().filter(|f| !f.good(self.tolerance)) {
            Some(f) => match &f.rule {
                Some(rule) => format!("rule {rule} of stage {}", f.stage),
                None => format!("stage {}", f.stage),
            },
            None => "stage emit".into(),
        };
        Ok(Symptom::new(Kind::Wrong, Some(&stage), ""))
    }
}

fn compile(e: Error) -> Symptom {
    let stage = match &e {
        Error::Stage { stage, .. } | Error::Unverified { stage, .. } => Some(format!("stage {stage}")),
        _ => None,
    };
    Symptom::new(Kind::Compile, stage.as_deref(), &message(e))
}

/// An error with its causes.
fn message(e: Error) -> String {
    match Err::<(), _>(e).doing(String::new) {
        Err(failure) => failure.to_string(),
        Ok(()) => String::new(),
    }
}
