//! What a verb is about: a model to be compiled, or an artifact.

use crate::engine::Engine;
use crate::failure::{Doing, Failure, Result};
use crate::ui::Ui;
use dlc_artifact::file::MAGIC;
use dlc_compiler::stages::{self, Imported};
use dlc_compiler::{Options, sizes};
use dlc_ir::Fact;
use dlc_ir::suggest::did_you_mean;
use std::path::Path;

/// Reads a model.
pub fn model(path: &Path, options: &Options, ui: &Ui) -> Result<Imported> {
    let bar = ui.bar(1);
    stages::import_model(path, options, &mut |p| bar.follow(p)).doing(|| format!("importing {}", path.display()))
}

/// Compiles a model for the target, in memory.
pub fn compile(model: Imported, options: &Options, threads: usize, ui: &Ui) -> Result<Engine> {
    let bar = ui.bar(1);
    let doing = || format!("compiling for {}", options.target.name);
    let graph = stages::optimize(model.graph, options, &mut |p| bar.follow(p)).doing(doing)?;
    let model = Imported { graph, ..model };
    if options.target.emit.is_none() {
        return Ok(Engine::oracle(model));
    }
    let bytes = stages::emit(&model, options, "artifact", &mut |p| bar.follow(p)).doing(doing)?;
    Engine::load(bytes, threads).doing(doing)
}

/// Makes a file ready to run: an artifact is loaded, a model compiled.
pub fn open(path: &Path, options: &Options, threads: usize, ui: &Ui) -> Result<Engine> {
    match is_artifact(path)? {
        true => {
            let engine = Engine::open(path, threads)?;
            check_fixed(&engine, options)?;
            Ok(engine)
        }
        false => compile(model(path, options, ui)?, options, threads, ui),
    }
}

/// Whether a file begins as an artifact does.
pub fn is_artifact(path: &Path) -> Result<bool> {
    Ok(crate::files::head(path, MAGIC.len() as u64)? == MAGIC)
}

/// An artifact is compiled already: sizes given are for its open sizes, and its inputs cannot become constants.
fn check_fixed(engine: &Engine, options: &Options) -> Result<()> {
    if let Some((name, _)) = options.constants.first() {
        return Err(Failure::usage(format!("input {name:?} cannot be given its value: the artifact is compiled")));
    }
    let facts: Vec<Fact> = engine.inputs()?.into_iter().map(|i| i.1).collect();
    let open = sizes::symbols(&facts);
    match options.dims.iter().find(|d| !open.contains(&d.0)) {
        Some((name, _)) => {
            let near = did_you_mean(name, open.iter().map(String::as_str));
            let open: Vec<String> = open.into_iter().collect();
            let expected = if open.is_empty() { "none".into() } else { format!("one of {}", open.join(", ")) };
            Err(Failure::usage(format!("no open size is named {name:?}, expected {expected}{near}")))
        }
        None => Ok(()),
    }
}
