//! What a verb is about: a model to be compiled, or an artifact.

use crate::args::CompileArgs;
use crate::engine::Engine;
use crate::failure::{Doing, Result};
use crate::ui::Ui;
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

/// Loads an artifact.
pub fn artifact(path: &Path, threads: usize) -> Result<Engine> {
    let bytes = crate::files::read(path)?;
    Engine::load(bytes, threads).doing(|| format!("loading {}", path.display()))
}

/// Makes a file ready to run: an artifact is loaded, a model compiled.
pub fn open(path: &Path, args: &CompileArgs, threads: usize, ui: &Ui) -> Result<Engine> {
    match crate::files::head(path, 4)?.starts_with(b"DLC") {
        true => artifact(path, threads),
        false => compile(model(path, ui)?, args, threads, ui),
    }
}
