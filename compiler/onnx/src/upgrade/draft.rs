//! A node that is not yet in the graph.

use crate::names::Names;
use dlc_ir::attrs::{FromAttr, read};
use dlc_ir::op::need;
use dlc_ir::{Attrs, DType, Fact, Graph, Result, Tensor, Value, ops};

/// A node in the making and the graph it goes into.
pub struct Draft<'a> {
    /// The graph, for constants and nodes that come before it.
    pub graph: &'a mut Graph,
    /// Names of the model.
    pub names: &'a mut Names,
    /// Operator.
    pub op: String,
    /// Its domain, `""` for ai.onnx.
    pub domain: String,
    /// Unique name of the node.
    pub name: String,
    /// Attributes.
    pub attrs: Attrs,
    /// Operands.
    pub x: Vec<Option<Value>>,
    /// Number of results.
    pub outputs: usize,
}

impl Draft<'_> {
    /// Takes an attribute out, if it is there.
    pub fn take<T: FromAttr>(&mut self, name: &'static str) -> Result<Option<T>> {
        let v = read::<Option<T>>(&self.attrs, name, None)?;
        self.attrs.remove(name);
        Ok(v)
    }

    /// Adds a constant named after the node.
    pub fn constant(&mut self, what: &str, t: Tensor) -> Value {
        let name = self.names.unique(&format!("{}/{what}", self.name));
        self.graph.add_const(&name, t)
    }

    /// Adds an i64 vector.
    pub fn ints(&mut self, what: &str, v: &[i64]) -> Value {
        self.constant(what, Tensor::i64(&[v.len()], v))
    }

    /// Sets operand `i`; those between are omitted.
    pub fn set(&mut self, i: usize, v: Value) {
        self.x.resize(self.x.len().max(i + 1), None);
        self.x[i] = Some(v);
    }

    /// Operand `i`, or a refusal.
    pub fn operand(&self, i: usize, name: &str) -> Result<Value> {
        need(&self.x.iter().map(Option::as_ref).collect::<Vec<_>>(), i, name).copied()
    }

    /// What is known of operand `i`, or a refusal.
    pub fn fact(&self, i: usize, name: &str) -> Result<&Fact> {
        Ok(self.graph.fact(self.operand(i, name)?))
    }

    /// Element type of operand 0.
    pub fn dtype(&self) -> Result<DType> {
        Ok(self.fact(0, "input")?.dtype)
    }

    /// Adds an operator with one result before the node.
    pub fn apply(&mut self, what: &str, op: &str, attrs: Attrs, x: &[Value]) -> Result<Value> {
        let name = self.names.unique(&format!("{}/{what}", self.name));
        self.graph.apply(&name, op, attrs, x)
    }

    /// Adds the node itself, with one result, under its name.
    pub fn finish(&mut self) -> Result<Value> {
        let op = ops::by_name(&self.op).ok_or_else(|| dlc_ir::Error::op(format!("no operator {:?}", self.op)))?;
        let node = self.graph.add_op(&self.name, op, self.attrs.clone(), &self.x, 1)?;
        Ok(Value { node, port: 0 })
    }
}
