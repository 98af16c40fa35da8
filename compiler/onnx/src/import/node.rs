//! One node.

use super::{Assumption, Frame, Importer, assume, attribute, constant, gradient, opsets, shape_math};
use crate::proto::NodeProto;
use crate::support::REFUSED;
use crate::upgrade::{self, Draft};
use crate::{Error, Result};
use dlc_ir::suggest::did_you_mean;
use dlc_ir::{Graph, OpRef, Tensor, Value, ops};

impl Importer<'_> {
    /// Adds one node and binds the names of its results.
    pub(super) fn node(&mut self, f: &mut Frame, n: &NodeProto) -> Result<()> {
        let x: Vec<Option<Value>> = n.input.iter().map(|i| f.env.value(i)).collect();
        let key = (opsets::plain(&n.domain), &*n.op_type, &*n.overload);
        let values = match (self.functions.get(&key).copied(), key) {
            (Some(function), _) => self.call(f, function, n, &x)?,
            (None, ("", "If", _)) => self.if_(f, n, x)?,
            (None, ("", "Loop", _)) => self.loop_(f, n, x)?,
            (None, ("", "SequenceMap", _)) => self.sequence_map(f, n, &x)?,
            (None, ("", "Scan", _)) => self.scan(f, n, x)?,
            (None, (gradient::DOMAIN, "Gradient", _)) => self.gradient(f, n, &x)?,
            (None, ("", "Constant", _)) => vec![Some(self.constant_node(f, n)?)],
            _ => self.operator(f, n, x)?,
        };
        for (i, name) in n.output.iter().enumerate().filter(|(_, o)| !o.is_empty()) {
            if let Some(v) = values.get(i).copied().flatten() {
                f.env.bind(name, Some(v));
            }
        }
        Ok(())
    }

    fn constant_node(&mut self, f: &mut Frame, n: &NodeProto) -> Result<Value> {
        let value = attribute::attrs(&n.attribute, &mut self.external).and_then(|a| constant::value(&a));
        let name = n.output.first().map_or(&n.name, |o| o);
        let t = value.map_err(|e| at(e, name, "Constant"))?;
        Ok(f.graph.add_const(&self.names.unique(name), t))
    }

    fn operator(&mut self, f: &mut Frame, n: &NodeProto, mut x: Vec<Option<Value>>) -> Result<Vec<Option<Value>>> {
        while x.last() == Some(&None) {
            x.pop();
        }
        let name = self.names.node(&n.name, &n.op_type);
        if (opsets::plain(&n.domain), &*n.op_type) == ("", "Squeeze") && n.attribute.is_empty() && x.len() == 1 {
            self.squeeze(f, &name, &mut x);
        }
        let mut attrs = attribute::attrs(&n.attribute, &mut self.external).map_err(|e| at(e, &name, &n.op_type))?;
        self.graphs(f, n, &mut attrs)?;
        let domain = opsets::plain(&n.domain);
        let opset = f.opsets.version(domain);
        let outputs = results(n);
        let mut draft = Draft {
            graph: f.graph,
            names: &mut self.names,
            op: n.op_type.clone(),
            domain: domain.into(),
            name,
            attrs,
            x,
            outputs,
        };
        let done = upgrade::upgrade(&mut draft, opset).map_err(|e| e.at(&draft.name, &n.op_type))?;
        if let Some(values) = done {
            return Ok(values.into_iter().map(Some).collect());
        }
        let op = find(&draft, opset)?;
        let outputs = draft.outputs.max(op.results().min);
        let Draft { graph, name, attrs, x, .. } = draft;
        let node = graph.add_op(&name, op, attrs, &x, outputs)?;
        if let Some(results) = shape_math::results(graph, node) {
            graph.remove(node);
            return Ok(self.constants(f.graph, &name, results));
        }
        Ok((0..outputs as u32).map(|port| Some(Value { node, port })).collect())
    }

    /// A `Squeeze` of every size 1: which of the unknown sizes are 1 is chosen, the first ones first. An axis that is kept
    /// and turns out to be 1 changes no number, so that only the others are needed always. Sizes that only the data
    /// decides are kept.
    fn squeeze(&mut self, f: &mut Frame, name: &str, x: &mut Vec<Option<Value>>) {
        let Some(v) = x[0] else { return };
        let shape = f.graph.fact(v).shape.clone();
        if shape.iter().all(|d| d.as_const().is_some()) {
            return;
        }
        let mut axes = vec![];
        for (axis, d) in shape.iter().enumerate().rev() {
            let one = match assume::may_be_one(d) {
                true => !self.choices.next(),
                false => d.is_one(),
            };
            if assume::may_be_one(d) {
                let (left, right) = (d.clone(), 1.into());
                self.assumptions.push(Assumption {
                    node: name.into(),
                    left,
                    right,
                    equal: one,
                    always: one && f.always,
                });
            }
            axes.extend(one.then_some(axis as i64));
        }
        axes.reverse();
        let axes = Tensor::i64(&[axes.len()], &axes);
        x.push(Some(f.graph.add_const(&self.names.unique(&format!("{name}/axes")), axes)));
    }

    /// Results of a node that are known: the first has its name.
    fn constants(&mut self, g: &mut Graph, name: &str, results: Vec<Tensor>) -> Vec<Option<Value>> {
        let mut out = vec![];
        for (i, t) in results.into_iter().enumerate() {
            let name = if i == 0 { name.into() } else { self.names.unique(&format!("{name}/{i}")) };
            out.push(Some(g.add_const(&name, t)));
        }
        out
    }
}

/// Number of results up to the last that is named.
pub(super) fn results(n: &NodeProto) -> usize {
    n.output.iter().rposition(|o| !o.is_empty()).map_or(0, |i| i + 1)
}

fn find(d: &Draft, opset: i64) -> Result<OpRef> {
    let domain = if d.domain.is_empty() { "ai.onnx" } else { &d.domain };
    let refused = REFUSED.iter().find(|r| (r.0, r.1) == (&*d.domain, &*d.op)).map(|r| r.2);
    let names = ops::OPS.iter().filter(|op| op.domain() == d.domain).map(|op| op.name());
    ops::find(&d.domain, &d.op).ok_or_else(|| Error::Node {
        name: d.name.clone(),
        op: d.op.clone(),
        what: match refused {
            Some(why) => why.into(),
            None => {
                let near = did_you_mean(&d.op, names);
                format!("operator {} of domain {domain} (opset {opset}) is not supported{near}", d.op)
            }
        },
    })
}

/// Adds the node to an error that does not name one.
pub(super) fn at(e: Error, name: &str, op: &str) -> Error {
    match e {
        Error::Ir(e) => Error::Ir(e.at(name, op)),
        other => other,
    }
}
