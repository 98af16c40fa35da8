//! What rules write gradients with.

use crate::{Attrs, DType, Error, Graph, Result, Tensor, Value, bail};

/// A node whose gradient is asked for.
pub struct Step<'a> {
    /// Its attributes.
    pub attrs: &'a Attrs,
    /// Its operands.
    pub x: Vec<Option<Value>>,
    /// Its first result.
    pub y: Value,
    /// Gradient of the first result.
    pub dy: Value,
}

impl Step<'_> {
    /// Operand `i`, which `infer` has found there.
    pub fn operand(&self, i: usize) -> Result<Value> {
        match self.x.get(i).copied().flatten() {
            Some(v) => Ok(v),
            None => bail!("operand {i} is required and missing"),
        }
    }
}

/// The graph that gradients are added to.
pub struct Tape<'g> {
    /// The graph.
    pub g: &'g mut Graph,
    prefix: String,
    count: std::cell::Cell<usize>,
}

impl<'g> Tape<'g> {
    /// Nodes that are added are named `prefix/operator_number`.
    pub fn new(g: &'g mut Graph, prefix: &str) -> Self {
        Tape { g, prefix: prefix.into(), count: 0.into() }
    }

    /// The next name.
    pub fn name(&self, of: &str) -> String {
        self.count.set(self.count.get() + 1);
        format!("{}/{}_{}", self.prefix, of.to_lowercase(), self.count.get())
    }

    /// The result of an operator.
    pub fn op(&mut self, op: &str, attrs: Attrs, x: &[Value]) -> Result<Value> {
        let name = self.name(op);
        self.g.apply(&name, op, attrs, x)
    }

    /// The result of an operator without attributes.
    pub fn plain(&mut self, op: &str, x: &[Value]) -> Result<Value> {
        self.op(op, Attrs::new(), x)
    }

    /// All `n` results of an operator.
    pub fn results(&mut self, op: &str, attrs: Attrs, x: &[Value], n: usize) -> Result<Vec<Value>> {
        let found = crate::ops::by_name(op).ok_or_else(|| Error::op(format!("no operator {op:?}")))?;
        let x: Vec<Option<Value>> = x.iter().copied().map(Some).collect();
        let name = self.name(op);
        let node = self.g.add_op(&name, found, attrs, &x, n)?;
        Ok((0..n as u32).map(|port| Value { node, port }).collect())
    }

    /// A number without axes.
    pub fn number(&mut self, dtype: DType, v: f64) -> Value {
        let name = self.name("number");
        self.g.add_const(&name, Tensor::floats(dtype, &[], &[v]))
    }

    /// A number of the type of `x`.
    pub fn like(&mut self, x: Value, v: f64) -> Value {
        let dtype = self.g.fact(x).dtype;
        self.number(dtype, v)
    }

    /// A vector of integers.
    pub fn ints(&mut self, v: &[i64]) -> Value {
        let name = self.name("ints");
        self.g.add_const(&name, Tensor::i64(&[v.len()], v))
    }

    /// `v` times a number.
    pub fn scaled(&mut self, v: Value, by: f64) -> Result<Value> {
        let by = self.like(v, by);
        self.plain("Mul", &[v, by])
    }

    /// `v` with the elements of `from` in the shape of `x`.
    pub fn shaped(&mut self, from: Value, x: Value) -> Result<Value> {
        if self.g.fact(from).shape == self.g.fact(x).shape {
            return Ok(from);
        }
        let shape = self.plain("Shape", &[x])?;
        let keep = Attrs::new().with("allowzero", 1i64);
        self.op("Reshape", keep, &[from, shape])
    }

    /// One element everywhere, in the shape of `x`.
    pub fn fill(&mut self, one: Value, x: Value) -> Result<Value> {
        let shape = self.plain("Shape", &[x])?;
        self.plain("Expand", &[one, shape])
    }

    /// The gradient of an operand that was broadcast: `dy` summed over the axes along which `x` was repeated.
    pub fn unbroadcast(&mut self, dy: Value, x: Value) -> Result<Value> {
        let (from, to) = (self.g.fact(dy).shape.clone(), self.g.fact(x).shape.clone());
        let added = from.len() - to.len();
        let mut axes: Vec<i64> = (0..added as i64).collect();
        for (i, (d, own)) in from[added..].iter().zip(&to).enumerate() {
            if own.is_one() && !d.is_one() {
                axes.push((added + i) as i64);
            } else if own != d && own.as_const().is_none() {
                bail!("whether an axis of size {own} is repeated to {d} is not known, which a gradient needs");
            }
        }
        let mut out = dy;
        if !axes.is_empty() {
            let axes = self.ints(&axes);
            out = self.plain("ReduceSum", &[dy, axes])?;
        }
        self.shaped(out, x)
    }
}
