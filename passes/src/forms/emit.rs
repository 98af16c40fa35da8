//! A graph under construction, written as one writes calls.

use dlc_ir::graph::Kind;
use dlc_ir::{Attrs, DType, Error, Graph, Num, OpRef, Result, Tensor, Value, ops};
use std::collections::HashSet;

/// The graph, and names for its nodes.
pub struct Emit {
    /// The graph.
    pub g: Graph,
    taken: HashSet<String>,
    base: String,
}

impl Emit {
    /// An empty graph that stands for `old`; no node of its own takes a name of that.
    pub fn new(old: &Graph) -> Self {
        let taken = old.nodes().map(|id| old.node(id).name.clone()).collect();
        Emit { g: Graph::new(&old.name), taken, base: String::new() }
    }

    /// What follows stands for the node of this name.
    pub fn at(&mut self, name: &str) {
        self.base = name.into();
    }

    /// A name that no node has, after the node at hand.
    pub fn name(&mut self, of: &str) -> String {
        let base = format!("{}/{}", self.base, of.to_lowercase());
        let name = match self.taken.contains(&base) {
            true => (2..).map(|k| format!("{base}.{k}")).find(|n| !self.taken.contains(n)).unwrap_or_default(),
            false => base,
        };
        self.taken.insert(name.clone());
        name
    }

    /// All `n` results of an operator.
    pub fn results(&mut self, op: &str, attrs: Attrs, x: &[Option<Value>], n: usize) -> Result<Vec<Value>> {
        let found: OpRef = ops::by_name(op).ok_or_else(|| Error::op(format!("no operator {op:?}")))?;
        let name = self.name(found.name());
        let node = self.g.add_op(&name, found, attrs, x, n)?;
        Ok((0..n as u32).map(|port| Value { node, port }).collect())
    }

    /// The result of an operator.
    pub fn op(&mut self, op: &str, attrs: Attrs, x: &[Value]) -> Result<Value> {
        let x: Vec<Option<Value>> = x.iter().copied().map(Some).collect();
        Ok(self.results(op, attrs, &x, 1)?[0])
    }

    /// The result of an operator without attributes.
    pub fn plain(&mut self, op: &str, x: &[Value]) -> Result<Value> {
        self.op(op, Attrs::new(), x)
    }

    /// A constant.
    pub fn constant(&mut self, t: Tensor) -> Value {
        let name = self.name("const");
        self.g.add_const(&name, t)
    }

    /// A vector of i64.
    pub fn ints(&mut self, v: &[i64]) -> Value {
        self.constant(Tensor::i64(&[v.len()], v))
    }

    /// One bool.
    pub fn truth(&mut self, v: bool) -> Value {
        self.constant(Tensor::scalar(DType::Bool, Num::from(v)))
    }

    /// The value under another shape.
    pub fn reshape(&mut self, v: Value, shape: &[i64]) -> Result<Value> {
        let shape = self.ints(shape);
        self.plain("Reshape", &[v, shape])
    }

    /// The value under the shape in `shape`, where 0 is 0.
    pub fn reshape_to(&mut self, v: Value, shape: Value) -> Result<Value> {
        self.op("Reshape", Attrs::new().with("allowzero", true), &[v, shape])
    }

    /// `v[from..to]` along axis 0; bounds are vectors of one i64.
    pub fn slice(&mut self, v: Value, from: Value, to: Value) -> Result<Value> {
        let axis = self.ints(&[0]);
        self.plain("Slice", &[v, from, to, axis])
    }

    /// Values one after another along an axis.
    pub fn concat(&mut self, x: &[Value], axis: i64) -> Result<Value> {
        match x {
            [v] => Ok(*v),
            _ => self.op("Concat", Attrs::new().with("axis", axis), x),
        }
    }

    /// Sum of all elements, as a vector of one.
    pub fn sum(&mut self, v: Value) -> Result<Value> {
        let total = self.op("ReduceSum", Attrs::new().with("keepdims", false), &[v])?;
        self.reshape(total, &[1])
    }

    /// The one i64 in `a`, which must be that in `b`: taking what they differ by out of one number then gives one.
    pub fn same(&mut self, a: Value, b: Value) -> Result<Value> {
        let (zero, one) = (self.ints(&[0]), self.ints(&[1]));
        let by = self.plain("Sub", &[a, b])?;
        let by = self.plain("Abs", &[by])?;
        let next = self.plain("Add", &[by, one])?;
        let found = self.slice(zero, by, next)?;
        let found = self.reshape(found, &[1])?;
        self.plain("Add", &[a, found])
    }

    /// `0, 1, ..` up to the one i64 in `n`.
    pub fn range(&mut self, n: Value) -> Result<Value> {
        let n = self.reshape(n, &[])?;
        let [zero, one] = [0, 1].map(|v| self.constant(Tensor::i64(&[], &[v])));
        self.plain("Range", &[zero, n, one])
    }

    /// Elements of a constant integer tensor.
    pub fn known(&self, v: Value) -> Option<Vec<i64>> {
        match &self.g.node(v.node).kind {
            Kind::Const(_) | Kind::Op { .. } => self.g.fact(v).as_ints(),
            Kind::Input => None,
        }
    }
}
