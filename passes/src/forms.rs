//! Sequences and optionals written as tensors.
//!
//! What is known of a sequence as a list of tensors stays one: taking a tensor out of it is that tensor, and joining it
//! is `Concat`. Any other becomes two tensors: the shape of every tensor in it as a row of i64, and the elements of all,
//! one after another; an optional has beside them whether it is there. Bodies of control flow pass these on. The inputs
//! and outputs of the model keep their forms: `dlc.Unpack` and `dlc.Pack` stand between, until [`borders`] puts the
//! tensors in their place.

mod border;
mod control;
mod emit;
mod items;
mod operators;
mod packed;

pub use border::{Border, borders};

use crate::Report;
use dlc_ir::graph::Kind;
use dlc_ir::{Attrs, Fact, Graph, NodeId, Result, Value, verify};
use emit::Emit;
use items::{Items, Rep, There};
use packed::Packed;
use std::collections::HashMap;

/// Writes what is no tensor as tensors, and what follows from that simply.
pub fn forms(g: &mut Graph) -> Result<Report> {
    if !has_forms(g) {
        return Ok(Report::default());
    }
    let mut w = Writer::new(g);
    for id in g.inputs() {
        w.border_input(*id)?;
    }
    w.nodes()?;
    let outputs = g.outputs().iter().map(|(name, v)| Ok((name.clone(), w.border_output(name, *v)?)));
    let outputs = outputs.collect::<Result<_>>()?;
    let mut new = w.e.g;
    new.set_outputs(outputs);
    *g = new;
    let mut report = Report { changed: 1 };
    report += crate::simplify(g)?;
    Ok(report)
}

/// Whether a value of the graph or of its bodies is no tensor.
pub fn has_forms(g: &Graph) -> bool {
    g.nodes().map(|id| g.node(id)).any(|n| n.outputs.iter().any(|f| !f.form.is_dense()) || bodies_have_forms(n))
}

fn bodies_have_forms(n: &dlc_ir::Node) -> bool {
    verify::subgraphs(n).any(has_forms)
}

/// Writes one graph anew.
struct Writer<'g> {
    old: &'g Graph,
    e: Emit,
    /// What stands for the values of the old graph.
    reps: HashMap<Value, Rep>,
}

impl<'g> Writer<'g> {
    fn new(old: &'g Graph) -> Self {
        Writer { old, e: Emit::new(old), reps: HashMap::new() }
    }

    /// An input of the model, which keeps its form.
    fn border_input(&mut self, id: NodeId) -> Result<()> {
        let (node, v) = (self.old.node(id), Value { node: id, port: 0 });
        let x = self.e.g.add_input(&node.name, node.outputs[0].clone());
        let fact = &node.outputs[0];
        if fact.form.is_dense() {
            self.reps.insert(v, Rep::Tensor(x));
            return Ok(());
        }
        self.e.at(&node.name);
        let n = parts(fact);
        let attrs = Attrs::new().with("type", fact.clone());
        let values = self.e.results("dlc.Unpack", attrs, &[Some(x)], n)?;
        self.reps.insert(v, Rep::of_parts(&values, fact));
        Ok(())
    }

    /// An output of the model, which keeps its form.
    fn border_output(&mut self, name: &str, v: Value) -> Result<Value> {
        let fact = self.old.fact(v);
        let rep = self.rep(v);
        if fact.form.is_dense() {
            return rep.tensor();
        }
        self.e.at(name);
        let parts = rep.parts(&mut self.e, fact)?;
        self.e.op("dlc.Pack", Attrs::new().with("type", fact.clone()), &parts)
    }

    /// All nodes but inputs, in order.
    fn nodes(&mut self) -> Result<()> {
        for id in self.old.topo()? {
            let node = self.old.node(id);
            self.e.at(&node.name);
            match &node.kind {
                Kind::Input => {}
                Kind::Const(t) => {
                    let v = self.e.g.add_const(&node.name, t.clone());
                    self.e.g.node_mut(v.node).outputs = node.outputs.clone();
                    self.reps.insert(Value { node: id, port: 0 }, Rep::Tensor(v));
                }
                Kind::Op { op, .. } => {
                    let results = self.operator(id).map_err(|e| e.at(&node.name, &op.full_name()))?;
                    for (port, rep) in results.into_iter().enumerate() {
                        self.reps.insert(Value { node: id, port: port as u32 }, rep);
                    }
                }
            }
        }
        Ok(())
    }

    fn rep(&self, v: Value) -> Rep {
        self.reps[&v].clone()
    }

    /// What stands for the results of an operator.
    fn operator(&mut self, id: NodeId) -> Result<Vec<Rep>> {
        let node = self.old.node(id);
        let facts = self.old.operand_facts(id).into_iter().flatten().chain(&node.outputs);
        if facts.into_iter().all(|f| f.form.is_dense()) && !bodies_have_forms(node) {
            return self.copy(id);
        }
        match node.op() {
            Some((op, _)) if ["If", "Loop", "Scan"].contains(&op.name()) => self.control(id),
            _ => Ok(vec![self.form_operator(id)?]),
        }
    }

    /// An operator on tensors, as it is.
    fn copy(&mut self, id: NodeId) -> Result<Vec<Rep>> {
        let node = self.old.node(id);
        let Some((op, attrs)) = node.op() else { return Ok(vec![]) };
        let mut x = vec![];
        for v in self.old.operands(id) {
            x.push(v.map(|v| self.rep(v).tensor()).transpose()?);
        }
        let new = self.e.g.add_op(&node.name, op, attrs.clone(), &x, node.outputs.len())?;
        for (port, f) in node.outputs.iter().enumerate() {
            self.e.g.node_mut(new).outputs[port].quant = f.quant.clone();
        }
        Ok((0..node.outputs.len() as u32).map(|port| Rep::Tensor(Value { node: new, port })).collect())
    }
}

/// Number of tensors that stand for a value of this type.
fn parts(f: &Fact) -> usize {
    match f.form.is_dense() {
        true => 1,
        false => 2 + f.form.is_optional() as usize,
    }
}

#[cfg(test)]
mod tests;
