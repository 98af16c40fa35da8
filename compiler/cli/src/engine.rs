//! What runs a model: the oracle, or a compiled program.

use crate::failure::{Doing, Failure, Result};
use dlc_compiler::sizes;
use dlc_ir::{Fact, Graph, Tensor, interp};

/// A model ready to run.
pub enum Engine {
    /// A graph that is interpreted.
    Oracle(Box<Graph>),
}

impl Engine {
    /// Interprets a graph.
    pub fn oracle(graph: Graph) -> Engine {
        Engine::Oracle(Box::new(graph))
    }

    /// Loads an artifact.
    pub fn load(_bytes: Vec<u8>, _threads: usize) -> Result<Engine> {
        Err(Failure::data("this build has no runtime for artifacts"))
    }

    /// Name for tables.
    pub fn name(&self) -> &'static str {
        match self {
            Engine::Oracle(_) => "reference",
        }
    }

    /// Names and facts of the inputs, in order.
    pub fn inputs(&self) -> Vec<(String, Fact)> {
        match self {
            Engine::Oracle(g) => sizes::inputs(g),
        }
    }

    /// Names of the outputs, in order.
    pub fn outputs(&self) -> Vec<String> {
        match self {
            Engine::Oracle(g) => g.outputs().iter().map(|o| o.0.clone()).collect(),
        }
    }

    /// Bytes of the arena of the last run, for what is compiled.
    pub fn arena_bytes(&self) -> Option<u64> {
        match self {
            Engine::Oracle(_) => None,
        }
    }

    /// Results for these inputs, in order.
    pub fn run(&mut self, inputs: &[Tensor]) -> Result<Vec<Tensor>> {
        match self {
            Engine::Oracle(g) => interp::run(g, inputs).doing(|| "running the reference".into()),
        }
    }
}
