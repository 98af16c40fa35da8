//! Operators that are defined by a graph of others.

use super::builder::Builder;
use crate::attrs::Field;
use crate::lower::Lowering;
use crate::{Arity, Ctx, Dim, Error, Fact, Graph, Op, Result, Sample, Tensor, Value, bail};

/// Writes the graph: from the operands (`None` where omitted) to the results.
pub type Definition = fn(&mut Builder, &Ctx, &[Option<Value>]) -> Result<Vec<Value>>;

/// An operator that is a graph of other operators: their facts, meanings and lowerings are its own.
pub struct Composite {
    /// ONNX operator name.
    pub name: &'static str,
    /// ONNX domain.
    pub domain: &'static str,
    /// The attributes it reads.
    pub schema: &'static [Field],
    /// Number of operands.
    pub operands: Arity,
    /// Number of results.
    pub results: Arity,
    /// The graph.
    pub define: Definition,
    /// Samples for the generic tests.
    pub samples: fn() -> Vec<Sample>,
}

impl Composite {
    fn graph(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Graph> {
        let mut b = Builder::new(self.name);
        let inputs = b.inputs(x);
        let results = (self.define)(&mut b, c, &inputs).map_err(|e| refused(e, x))?;
        if results.len() < c.outputs {
            bail!("{} results, expected {} at most", c.outputs, results.len());
        }
        for (i, v) in results.into_iter().take(c.outputs).enumerate() {
            b.g.add_output(&format!("y{i}"), v);
        }
        Ok(b.g)
    }
}

/// A refusal of the operator, or by one of those it is written as: then the operands are named, for the inner one has others.
fn refused(e: Error, x: &[Option<&Fact>]) -> Error {
    let Error::Node { op, what, .. } = &e else { return e };
    let operands: Vec<String> = x.iter().map(|f| f.map_or("nothing".into(), |f| f.to_string())).collect();
    Error::op(format!("operands {} do not fit: {op} finds that {what}", operands.join(", ")))
}

impl Op for Composite {
    fn name(&self) -> &'static str {
        self.name
    }
    fn domain(&self) -> &'static str {
        self.domain
    }
    fn schema(&self) -> &'static [Field] {
        self.schema
    }
    fn operands(&self) -> Arity {
        self.operands
    }
    fn results(&self) -> Arity {
        self.results
    }
    fn infer(&self, c: &Ctx, x: &[Option<&Fact>]) -> Result<Vec<Fact>> {
        let g = self.graph(c, x)?;
        Ok(g.outputs().iter().map(|(_, v)| renamed(g.fact(*v), c.name)).collect())
    }
    fn eval(&self, c: &Ctx, x: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
        // Axes, pads and the like are known, as they are in the models that have them as constants.
        let known = |t: &Tensor| if t.dtype().is_float() { t.type_fact() } else { t.fact() };
        let facts: Vec<Option<Fact>> = x.iter().map(|t| t.map(known)).collect();
        let g = self.graph(c, &facts.iter().map(Option::as_ref).collect::<Vec<_>>())?;
        let inputs: Vec<Tensor> = x.iter().flatten().map(|t| (*t).clone()).collect();
        let facts: Vec<Option<&Fact>> = facts.iter().map(Option::as_ref).collect();
        crate::interp::run(&g, &inputs).map_err(|e| refused(e, &facts))
    }
    fn lowering(&self, c: &Ctx, x: &[Option<&Fact>], _: &[Fact]) -> Result<Lowering> {
        self.graph(c, x).map(Lowering::Expand)
    }
    fn samples(&self) -> Vec<Sample> {
        (self.samples)()
    }
}

/// A size that only the data of an inner node decides is named after the outer one, too: two outer nodes have two.
fn renamed(f: &Fact, node: &str) -> Fact {
    let fresh = |s: &str| s.contains('#').then(|| Dim::sym(&format!("{node}/{s}")));
    let given = |f: &Fact| f.shape.iter().map(|d| d.substitute(&fresh)).collect::<Vec<_>>();
    Fact { shape: given(f), ..f.clone() }
}

/// The operand at `i` of a definition, or a refusal naming it.
pub fn given(x: &[Option<Value>], i: usize, name: &str) -> Result<Value> {
    match x.get(i).copied().flatten() {
        Some(v) => Ok(v),
        None => bail!("operand {i} ({name}) is missing, expected a value: it is required"),
    }
}

/// The operand at `i` of a definition, if it is there.
pub fn optional(x: &[Option<Value>], i: usize) -> Option<Value> {
    x.get(i).copied().flatten()
}
