//! Graphs of operators, written as one writes calls.

use crate::op::OpRef;
use crate::{Attrs, DType, Error, Fact, Graph, Result, Tensor, Value};

/// A graph under construction; nodes are named after their operators and numbered.
pub struct Builder {
    /// The graph.
    pub g: Graph,
    count: usize,
}

impl Builder {
    /// An empty graph.
    pub fn new(name: &str) -> Self {
        Builder { g: Graph::new(name), count: 0 }
    }

    /// An input for every operand that is there.
    pub fn inputs(&mut self, x: &[Option<&Fact>]) -> Vec<Option<Value>> {
        let add = |(i, f): (usize, &Option<&Fact>)| f.map(|f| self.g.add_input(&format!("x{i}"), f.clone()));
        x.iter().enumerate().map(add).collect()
    }

    fn name(&mut self, of: &str) -> String {
        self.count += 1;
        format!("{}_{}", of.to_lowercase(), self.count)
    }

    /// All `n` results of an operator; operands may be omitted.
    pub fn results(&mut self, op: &str, attrs: Attrs, x: &[Option<Value>], n: usize) -> Result<Vec<Value>> {
        let found: OpRef = crate::ops::by_name(op).ok_or_else(|| Error::op(format!("no operator {op:?}")))?;
        let name = self.name(op);
        let node = self.g.add_op(&name, found, attrs, x, n)?;
        Ok((0..n as u32).map(|port| Value { node, port }).collect())
    }

    /// The result of an operator whose operands may be omitted.
    pub fn optional(&mut self, op: &str, attrs: Attrs, x: &[Option<Value>]) -> Result<Value> {
        Ok(self.results(op, attrs, x, 1)?[0])
    }

    /// The result of an operator.
    pub fn op(&mut self, op: &str, attrs: Attrs, x: &[Value]) -> Result<Value> {
        let x: Vec<Option<Value>> = x.iter().copied().map(Some).collect();
        self.optional(op, attrs, &x)
    }

    /// The result of an operator without attributes.
    pub fn plain(&mut self, op: &str, x: &[Value]) -> Result<Value> {
        self.op(op, Attrs::new(), x)
    }

    /// A vector of i64.
    pub fn ints(&mut self, v: &[i64]) -> Value {
        let name = self.name("ints");
        self.g.add_const(&name, Tensor::i64(&[v.len()], v))
    }

    /// A number without axes.
    pub fn number(&mut self, dtype: DType, v: f64) -> Value {
        let name = self.name("number");
        self.g.add_const(&name, Tensor::floats(dtype, &[], &[v]))
    }

    /// The same elements under another shape; 0 and -1 as in `Reshape`.
    pub fn reshape(&mut self, v: Value, to: &[i64]) -> Result<Value> {
        let to = self.ints(to);
        self.plain("Reshape", &[v, to])
    }

    /// Axes in another order.
    pub fn transpose(&mut self, v: Value, perm: &[i64]) -> Result<Value> {
        self.op("Transpose", Attrs::new().with("perm", perm), &[v])
    }

    /// Elements as another type.
    pub fn cast(&mut self, v: Value, to: DType) -> Result<Value> {
        match self.g.fact(v).dtype == to {
            true => Ok(v),
            false => self.op("Cast", Attrs::new().with("to", to), &[v]),
        }
    }

    /// One size of a value, as a vector of one.
    pub fn size(&mut self, v: Value, axis: i64) -> Result<Value> {
        self.op("Shape", Attrs::new().with("start", axis).with("end", axis + 1), &[v])
    }

    /// One size of a value, as a number without axes.
    pub fn length(&mut self, v: Value, axis: i64) -> Result<Value> {
        let one = self.size(v, axis)?;
        self.reshape(one, &[])
    }

    /// The integers from 0 to `n`, exclusive.
    pub fn range(&mut self, n: Value) -> Result<Value> {
        let (zero, one) = (self.number(DType::I64, 0.0), self.number(DType::I64, 1.0));
        self.plain("Range", &[zero, n, one])
    }
}
