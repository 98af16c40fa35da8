//! `dlc compile --minimize`: a failing model made small. Every candidate is tried in a process of its own.

use crate::args::CompileArgs;
use crate::failure::{Doing, Failure, Result};
use crate::process::{self, End};
use crate::ui::{self, Bar, Ui};
use crate::{files, inputs, subject, table};
use dlc_compiler::minimize::{Case, Kind, Symptom, minimize};
use dlc_compiler::{Extract, Options, sizes};
use dlc_ir::{Form, Tensor};
use dlc_onnx::LoadOptions;
use serde::Serialize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// What is made small, and when it counts as failing.
pub struct Subject<'a> {
    /// The model.
    pub model: &'a Path,
    /// How it is compiled.
    pub how: &'a CompileArgs,
    /// Folder of recorded inputs; random ones otherwise.
    pub data: Option<&'a Path>,
    /// Relative L2 distance above which a result is wrong.
    pub tolerance: f64,
    /// Longest that a try may take; one of a model that takes longer is a failure of its own. Where there is none, a try may take
    /// some times as long as the model itself.
    pub timeout: Option<Duration>,
    /// Where the result is written.
    pub output: PathBuf,
}

/// How much longer than the model a try may take: this many times, and so many seconds.
const PATIENCE: (u32, Duration) = (10, Duration::from_secs(10));

#[derive(Serialize)]
struct Report {
    file: PathBuf,
    bytes: u64,
    failure: Symptom,
    /// Folder of the inputs it fails on, where random ones do not do.
    data: Option<PathBuf>,
    tries: u64,
    /// Whether the search went on to its end.
    complete: bool,
}

/// A smaller model: its bytes, and its inputs with their forms where it was run.
struct Small {
    bytes: Vec<u8>,
    inputs: Vec<(Tensor, Form)>,
}

impl Subject<'_> {
    /// Finds the smallest part that fails in the same way and writes it.
    pub fn minimize(&self, ui: &Ui) -> Result<()> {
        let doing = || format!("minimizing {}", self.model.display());
        let start = Instant::now();
        ui.patient();
        let wanted = self.probe(self.model, self.data, None, self.timeout).doing(doing)?;
        let limit = self.timeout.unwrap_or(start.elapsed() * PATIENCE.0 + PATIENCE.1);
        let Some(wanted) = wanted else {
            return Err(Failure::data("it compiles, and its results are those of the reference")).doing(doing);
        };
        let mut search = Search { subject: self, wanted, limit, folder: files::scratch()?, tries: 0, bar: ui.bar(0) };
        let small = match search.wanted.kind {
            Kind::Import => search.refused(),
            // What crashes the importer, or keeps it, cannot be read here.
            Kind::Crash | Kind::Endless if self.import_fails(limit).doing(doing)? => search.refused(),
            _ => search.failing(ui),
        };
        let report = search.write(small.doing(doing)?).doing(doing)?;
        drop(search);
        ui.show(&report, || report.text())?;
        match report.complete {
            true => Ok(()),
            false => Err(Failure::interrupted(format!("{} is the smallest found so far", report.file.display()))),
        }
    }

    /// Gives the sizes and constants of the command line.
    fn fix(&self, command: &mut Command) {
        for (name, n) in &self.how.dims {
            command.args(["--dim", &format!("{name}={n}")]);
        }
        for (name, file) in &self.how.constants {
            command.args(["--const", &format!("{name}={}", file.display())]);
        }
    }

    fn import_fails(&self, limit: Duration) -> Result<bool> {
        let mut command = this_program("compile", self.model)?;
        command.args(["--dump-after", "import"]);
        self.fix(&mut command);
        let end = process::run(&mut command, Some(limit)).doing(|| "starting a process".into())?;
        Ok(matches!(end, End::Crash(_) | End::Late))
    }

    /// How a model fails, found by a process of its own: the model as it was given, with its sizes and
    /// constants, or a part, which is to fail in this way.
    fn probe(
        &self,
        model: &Path,
        data: Option<&Path>,
        wanted: Option<&Symptom>,
        limit: Option<Duration>,
    ) -> Result<Option<Symptom>> {
        let doing = || "starting a process to try it in".into();
        let mut command = this_program("probe", model)?;
        command.args(["--target", self.how.target.name]);
        command.args(["--extract", &extract(&self.how.extract), "--tolerance", &self.tolerance.to_string()]);
        if let Some(dir) = data {
            command.arg("--data").arg(dir);
        }
        match wanted.map(|w| w.kind) {
            None => self.fix(&mut command),
            Some(Kind::Import) => {
                command.args(["--only", "import"]);
            }
            Some(Kind::Compile) => {
                command.args(["--only", "compile"]);
            }
            Some(_) => {}
        }
        match process::run(&mut command, limit).doing(doing)? {
            End::Late => Ok(Some(Symptom::new(Kind::Endless, None, ""))),
            End::Interrupted => Err(Failure::interrupted("nothing is found yet")),
            End::Crash(place) => Ok(Some(Symptom::new(Kind::Crash, Some(&place), ""))),
            End::Exit(0, out, _) => serde_json::from_slice(&out).doing(|| "reading what it found".into()),
            End::Exit(_, _, said) => {
                let last = said.lines().last().unwrap_or_default().trim_start_matches("error: ");
                Err(Failure::data(last))
            }
        }
    }
}

struct Search<'a> {
    subject: &'a Subject<'a>,
    wanted: Symptom,
    limit: Duration,
    folder: tempfile::TempDir,
    tries: u64,
    bar: Bar,
}

impl Search<'_> {
    /// Whether these bytes, on these inputs, fail as the model did. What cannot even be tried does not.
    fn same(&mut self, small: &Small, recorded: bool) -> ControlFlow<(), bool> {
        if ui::interrupted() {
            return ControlFlow::Break(());
        }
        self.tries += 1;
        let kib = small.bytes.len() / 1024;
        self.bar.at(self.tries, &format!("try {}: {kib} KiB", self.tries));
        let (model, data) = (self.folder.path().join("small.onnx"), self.folder.path().join("data"));
        let written = std::fs::write(&model, &small.bytes).is_ok() && (!recorded || write_inputs(&data, small).is_ok());
        let found = self.subject.probe(&model, recorded.then_some(&*data), Some(&self.wanted), Some(self.limit));
        ControlFlow::Continue(written && found.is_ok_and(|found| found.as_ref() == Some(&self.wanted)))
    }

    /// A model that is refused: a smaller file.
    fn refused(&mut self) -> Result<Small> {
        let path = self.subject.model;
        let doing = || "reading it".into();
        let bytes = files::read(path)?;
        let dims = self.subject.how.dims.iter().cloned().collect();
        let constants = self.subject.how.options()?.constants.into_iter().collect();
        let opts = LoadOptions { dims, constants, ..LoadOptions::default() };
        let folder = path.parent();
        let mut same = |bytes: &[u8]| self.same(&Small { bytes: bytes.to_vec(), inputs: vec![] }, false);
        let bytes = dlc_onnx::minimize(bytes.into(), folder, &opts, &mut same).doing(doing)?;
        Ok(Small { bytes, inputs: vec![] })
    }

    /// A model that is read, and fails later: a smaller graph.
    fn failing(&mut self, ui: &Ui) -> Result<Small> {
        let options: Options = self.subject.how.options()?;
        let graph = subject::model(self.subject.model, &options, ui)?.graph;
        let ports = sizes::inputs(&graph);
        let given = match self.subject.data {
            Some(dir) => inputs::recorded(self.subject.model, &ports, dir)?,
            None => vec![],
        };
        let x = inputs::resolve(&ports, &given, &self.subject.how.dims, ui)?;
        let start = Case { graph, inputs: x };
        let mut same = |c: &Case| match small(c) {
            Ok(s) => self.same(&s, true),
            Err(_) => ControlFlow::Continue(false),
        };
        small(&minimize(start, &mut same))
    }

    /// Writes what was found, with its inputs unless it fails on random ones too.
    fn write(&mut self, small: Small) -> Result<Report> {
        let file = self.subject.output.clone();
        files::write(&file, &small.bytes)?;
        let mut data = None;
        if !small.inputs.is_empty() && !matches!(self.same(&small, false), ControlFlow::Continue(true)) {
            let dir = file.with_extension("data");
            if dir.is_symlink() {
                let what = "is a symbolic link, expected a folder or nothing: name another output with -o";
                return Err(Failure::data(what)).doing(|| format!("writing {}", dir.display()));
            }
            write_inputs(&dir, &small)?;
            data = Some(dir);
        }
        let (bytes, complete) = (small.bytes.len() as u64, !ui::interrupted());
        Ok(Report { bytes, file, failure: self.wanted.clone(), data, tries: self.tries, complete })
    }
}

/// This program, with a verb and a model.
fn this_program(verb: &str, model: &Path) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe().doing(|| "finding this program".into())?);
    command.arg(verb).arg(model);
    Ok(command)
}

fn small(case: &Case) -> Result<Small> {
    let bytes = dlc_onnx::export(&case.graph).doing(|| "writing a smaller model".into())?;
    let forms = sizes::inputs(&case.graph).into_iter().map(|i| i.1.form);
    Ok(Small { bytes, inputs: case.inputs.iter().cloned().zip(forms).collect() })
}

fn write_inputs(dir: &Path, small: &Small) -> Result<()> {
    files::make_dir(dir)?;
    for (k, (t, form)) in small.inputs.iter().enumerate() {
        files::write(&dir.join(format!("input_{k}.pb")), &dlc_onnx::value_to_bytes(t, *form))?;
    }
    Ok(())
}

/// As a flag.
fn extract(e: &Extract) -> String {
    match e {
        Extract::Greedy => "greedy".into(),
        Extract::Random(seed) => format!("random:{seed}"),
    }
}

impl Report {
    fn text(&self) -> String {
        let data = self.data.iter().map(|d| format!(" on the inputs of {}", d.display())).collect::<String>();
        let size = table::bytes(self.bytes);
        format!("{}: {size} fail in the same way{data}: {} ({} tries)", self.file.display(), self.failure, self.tries)
    }
}
