//! What a verb is about: a model to be compiled, or an artifact.

use crate::args::CompileArgs;
use crate::engine::Engine;
use crate::failure::{Doing, Result};
use crate::ui::Ui;
use dlc_artifact::file::MAGIC;
use dlc_compiler::stages;
use dlc_ir::Graph;
use std::path::Path;

/// Reads a model.
pub fn model(path: &Path, ui: &Ui) -> Result<Graph> {
    let bar = ui.bar(1);
    stages::import_model(path, &mut |p| bar.follow(p)).doing(|| format!("importing {}", path.display()))
}

/// Compiles a model for the target, in memory.
pub fn compile(graph: Graph, args: &CompileArgs, threads: usize, ui: &Ui) -> Result<Engine> {
    let bar = ui.bar(1);
    let options = args.options();
    let doing = || format!("compiling {:?} for {}", graph.name, args.target.name);
    let optimized = stages::optimize(graph.clone(), &options, &mut |p| bar.follow(p)).doing(doing)?;
    if args.target.emit.is_none() {
        return Ok(Engine::oracle(optimized));
    }
    let bytes = stages::emit(&optimized, &options, "artifact", &mut |p| bar.follow(p)).doing(doing)?;
    Engine::load(bytes, threads).doing(doing)
}

/// Makes a file ready to run: an artifact is loaded, a model compiled.
pub fn open(path: &Path, args: &CompileArgs, threads: usize, ui: &Ui) -> Result<Engine> {
    match is_artifact(path)? {
        true => Engine::open(path, threads),
        false => compile(model(path, ui)?, args, threads, ui),
    }
}

/// Whether a file begins as an artifact does.
pub fn is_artifact(path: &Path) -> Result<bool> {
    Ok(crate::files::head(path, MAGIC.len() as u64)? == MAGIC)
}
