//! `dlc run`

use crate::args::{CompileArgs, InputArgs, threads};
use crate::failure::{Doing, Failure, Result};
use crate::ui::Ui;
use crate::{files, inputs, npy, subject, table};
use dlc_ir::{DType, Num, Tensor};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Run a model or an artifact once.
#[derive(clap::Args)]
pub struct Run {
    /// The model (.onnx) or artifact (.dlc).
    file: PathBuf,
    #[command(flatten)]
    how: CompileArgs,
    #[command(flatten)]
    inputs: InputArgs,
    /// Write every output as output_K.npy (a sequence as output_K.pb), and outputs.json, into this folder.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Threads to run on.
    #[arg(long, default_value = "1", value_parser = threads)]
    threads: usize,
}

#[derive(Serialize)]
struct Report {
    engine: &'static str,
    seconds: f64,
    outputs: Vec<Output>,
}

#[derive(Serialize)]
struct Output {
    name: String,
    dtype: String,
    shape: Vec<usize>,
    file: Option<String>,
    #[serde(skip)]
    head: String,
}

impl Run {
    pub fn run(self, ui: &Ui) -> Result<()> {
        let mut engine = subject::open(&self.file, &self.how.options()?, self.threads, ui)?;
        let x = inputs::resolve(&engine.inputs()?, &self.inputs.inputs, &self.how.dims, ui)?;
        let start = Instant::now();
        let y = engine.run(&x).doing(|| format!("running {}", self.file.display()))?;
        let seconds = start.elapsed().as_secs_f64();
        let mut outputs: Vec<Output> = engine.outputs().into_iter().zip(&y).map(|(n, t)| output(n, t)).collect();
        if let Some(dir) = &self.output {
            write(dir, &mut outputs, &y)?;
        }
        let report = Report { engine: engine.name(), seconds, outputs };
        ui.show(&report, || report.text())
    }
}

fn output(name: String, t: &Tensor) -> Output {
    if t.items().is_some() {
        let tensors = t.as_sequence().map_or(0, <[Tensor]>::len);
        let (dtype, head) = (t.type_fact().to_string(), format!("{tensors} tensors"));
        return Output { name, dtype, shape: vec![tensors], file: None, head };
    }
    let number = |v: Num| format!("{:.5}", v.f()).trim_end_matches(".00000").to_string();
    let head: Vec<String> = match t.dtype() {
        DType::Str => t.strings().take(4).map(|s| format!("{s:?}")).collect(),
        _ => t.iter().take(4).map(number).collect(),
    };
    let head = head.join(", ");
    let more = if t.len() > 4 { ", .." } else { "" };
    Output { name, dtype: t.dtype().to_string(), shape: t.shape().to_vec(), file: None, head: format!("{head}{more}") }
}

fn write(dir: &Path, outputs: &mut [Output], tensors: &[Tensor]) -> Result<()> {
    files::make_dir(dir)?;
    for (k, (o, t)) in outputs.iter_mut().zip(tensors).enumerate() {
        let (file, bytes) = match t.items() {
            None => (format!("output_{k}.npy"), npy::write(t).map_err(Failure::data)),
            Some(_) => (format!("output_{k}.pb"), Ok(dlc_onnx::value_to_bytes(t, t.type_fact().form))),
        };
        let bytes = bytes.doing(|| format!("writing output {:?}", o.name))?;
        files::write(&dir.join(&file), &bytes)?;
        o.file = Some(file);
    }
    let json = serde_json::to_vec_pretty(&outputs).doing(|| "writing outputs.json".into())?;
    files::write(&dir.join("outputs.json"), &json)
}

impl Report {
    fn text(&self) -> String {
        let row = |o: &Output| vec![o.name.clone(), format!("{}{:?}", o.dtype, o.shape), o.head.clone()];
        let t = table::table(&["output", "type", "values"], self.outputs.iter().map(row));
        format!("{t}\nrun by {} in {}", self.engine, table::seconds(self.seconds))
    }
}
