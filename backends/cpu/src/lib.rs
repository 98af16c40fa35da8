//! The CPU backend: an artifact from a graph.
//!
//! [`dlc_plan`] says what is computed in which order; [`select`] turns every region into a kernel of `dlc_vector`,
//! [`pack`] lays constant factors out for it, [`chain`] finds steps that run piece by piece, and [`program`] writes the program around the functions. [`limits`] has programs that
//! measure what the processor can do at most.

mod chain;
pub mod limits;
pub mod object;
pub mod pack;
pub mod program;
pub mod select;
mod sizes;

use dlc_artifact::Artifact;
use dlc_ir::Graph;

pub use dlc_vector::Level;
pub use program::Listing;

/// Why a graph could not be compiled.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The graph asks for what there is no code for, or does not fit together.
    #[error(transparent)]
    Graph(#[from] dlc_ir::Error),
    /// Machine code could not be made.
    #[error(transparent)]
    Emit(#[from] dlc_vector::emit::Error),
    /// A size that is known at compile time does not fit.
    #[error("{0}")]
    Size(String),
}

/// What is wanted beside the artifact.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Instruction-set level of the code.
    pub level: Level,
    /// Keep Cranelift's text and the disassembly of every kernel.
    pub listings: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { level: Level::host(), listings: false }
    }
}

/// A compiled graph.
#[derive(Debug, Default)]
pub struct Compiled {
    /// The artifact; its metadata is empty.
    pub artifact: Artifact,
    /// Text forms of the kernels, if asked for.
    pub listings: Vec<Listing>,
}

/// Compiles a graph for the processor the compiler runs on.
pub fn compile(g: &Graph, options: &Options) -> Result<Compiled, Error> {
    let schedule = dlc_plan::plan(g)?;
    program::write(&schedule, options)
}

/// What the artifact needs of a processor: an architecture, then features.
pub fn requirements(level: Level) -> Vec<String> {
    let arch = if level == Level::Portable { std::env::consts::ARCH } else { "x86_64" };
    let mut out = vec![arch.to_string()];
    if arch == "x86_64" {
        out.extend(level.x86_features().iter().map(|f| f.to_string()));
    }
    out
}

#[cfg(test)]
mod tests;
