//! Lowerings into graphs of simpler operators.

use crate::lower::Lowering;
use crate::{Attrs, DType, Fact, Graph, Num, OpRef, Result, Tensor, Value, bail};

/// A closed graph under construction, whose inputs are the operands that are present.
pub struct Expansion {
    graph: Graph,
    operands: Vec<Option<Value>>,
}

impl Expansion {
    /// No operator yet.
    pub fn of(x: &[Option<&Fact>]) -> Self {
        let mut graph = Graph::new("expansion");
        let mut input = |(i, f): (usize, &Option<&Fact>)| f.map(|f| graph.add_input(&format!("x{i}"), f.clone()));
        let operands = x.iter().enumerate().map(&mut input).collect();
        Expansion { graph, operands }
    }

    /// The operand at `i`, if it is there.
    pub fn operand(&self, i: usize) -> Option<Value> {
        self.operands.get(i).copied().flatten()
    }

    /// The operand at `i`, which `infer` has found to be there.
    pub fn x(&self, i: usize) -> Result<Value> {
        match self.operand(i) {
            Some(v) => Ok(v),
            None => bail!("operand {i} is required and missing"),
        }
    }

    /// What is known of a value.
    pub fn fact(&self, v: Value) -> &Fact {
        self.graph.fact(v)
    }

    /// Applies an operator without attributes.
    pub fn op(&mut self, op: &str, x: &[Value]) -> Result<Value> {
        self.with(op, Attrs::new(), x)
    }

    /// Applies an operator with one result.
    pub fn with(&mut self, op: &str, attrs: Attrs, x: &[Value]) -> Result<Value> {
        let name = format!("{op}{}", self.graph.len());
        self.graph.apply(&name, op, attrs, x)
    }

    /// The same elements under a computed shape, where a 0 is a size as any other.
    pub fn reshape(&mut self, v: Value, shape: Value) -> Result<Value> {
        self.with("Reshape", Attrs::new().with("allowzero", 1i64), &[v, shape])
    }

    /// Sizes of values as a vector: of each from one axis up to another.
    pub fn sizes(&mut self, of: &[(Value, i64, i64)]) -> Result<Value> {
        let mut all = vec![];
        for (v, start, end) in of {
            all.push(self.with("Shape", Attrs::new().with("start", *start).with("end", *end), &[*v])?);
        }
        self.with("Concat", Attrs::new().with("axis", 0i64), &all)
    }

    /// Applies an operator with omitted operands or several results.
    pub fn many(&mut self, op: &str, attrs: Attrs, x: &[Option<Value>], n: usize) -> Result<Vec<Value>> {
        let name = format!("{op}{}", self.graph.len());
        let op: OpRef = match crate::ops::by_name(op) {
            Some(op) => op,
            None => bail!("no operator {op:?}"),
        };
        let node = self.graph.add_op(&name, op, attrs, x, n)?;
        Ok((0..n as u32).map(|port| Value { node, port }).collect())
    }

    /// A constant without axes.
    pub fn scalar(&mut self, dtype: DType, v: f64) -> Value {
        let v = if dtype.is_float() { Num::F(v) } else { Num::I(v as i128) };
        self.constant(Tensor::scalar(dtype, v))
    }

    /// A constant vector of integers, e.g. axes.
    pub fn ints(&mut self, v: &[i64]) -> Value {
        self.constant(Tensor::i64(&[v.len()], v))
    }

    /// A constant.
    pub fn constant(&mut self, t: Tensor) -> Value {
        let name = format!("c{}", self.graph.len());
        self.graph.add_const(&name, t)
    }

    /// The same elements in `dtype`; unchanged when they have it.
    pub fn cast(&mut self, v: Value, dtype: DType) -> Result<Value> {
        match self.fact(v).dtype == dtype {
            true => Ok(v),
            false => self.with("Cast", Attrs::new().with("to", dtype), &[v]),
        }
    }

    /// A reduction over `axes` that keeps them.
    pub fn reduce(&mut self, op: &str, v: Value, axes: &[i64]) -> Result<Value> {
        let attrs = Attrs::new().with("noop_with_empty_axes", 1i64);
        let axes = self.ints(axes);
        self.with(op, attrs, &[v, axes])
    }

    /// The lowering with these results.
    pub fn done(mut self, y: &[Value]) -> Lowering {
        for (i, v) in y.iter().enumerate() {
            self.graph.add_output(&format!("y{i}"), *v);
        }
        Lowering::Expand(self.graph)
    }
}

/// The type sums over elements of `dtype` are kept in: at least f32.
pub fn wide(dtype: DType) -> DType {
    if matches!(dtype, DType::F16 | DType::BF16) { DType::F32 } else { dtype }
}
