//! Operators with a graph as lowering, and a meaning that is stated apart from it.

use super::composite::Composite;
use crate::attrs::Field;
use crate::lower::Lowering;
use crate::{Arity, Ctx, Fact, Op, Result, Sample, Tensor};

/// What an operator computes, in plain loops; all results, of which the first `outputs` are taken.
pub type Meaning = fn(&Ctx, &[Option<&Tensor>]) -> Result<Vec<Tensor>>;

/// A composite whose `eval` does not run its graph, so that comparing both means something.
pub struct Stated {
    /// The graph: facts and lowering.
    pub graph: Composite,
    /// The meaning.
    pub meaning: Meaning,
    /// Operands whose sizes must be constants.
    pub constant_sizes: &'static [usize],
}

impl Op for Stated {
    fn name(&self) -> &'static str {
        self.graph.name
    }
    fn domain(&self) -> &'static str {
        self.graph.domain
    }
    fn schema(&self) -> &'static [Field] {
        self.graph.schema
    }
    fn operands(&self) -> Arity {
        self.graph.operands
    }
    fn results(&self) -> Arity {
        self.graph.results
    }
    fn constant_sizes(&self) -> &'static [usize] {
        self.constant_sizes
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        self.graph.infer(c, x)
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        // What the graph refuses has no meaning either.
        let facts: Vec<Option<Fact>> = x.iter().map(|t| t.map(Tensor::fact)).collect();
        self.infer(c, &facts.iter().map(Option::as_ref).collect::<Vec<_>>())?;
        Ok((self.meaning)(c, x)?.into_iter().take(c.outputs).collect())
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], y: &[Fact]) -> Result<Lowering> {
        self.graph.lowering(c, x, y)
    }
    fn samples(&self) -> Vec<Sample> {
        (self.graph.samples)()
    }
}
