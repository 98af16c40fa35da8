//! A graph that grows node by node; what every node gives is known while it grows.

use crate::check::guarded;
use crate::draw::Draw;
use dlc_ir::{Attrs, Ctx, DType, Dim, Fact, Graph, Num, OpRef, Tensor, Value, interp, ops};
use std::collections::BTreeMap;

/// Most elements of a tensor.
const MOST: usize = 1500;
/// Largest magnitude of a float: nothing comes near an overflow, so that all orders of computation agree.
const LARGEST: f64 = 1e5;

/// A graph and its values.
pub struct Builder {
    /// The graph so far.
    pub graph: Graph,
    /// Inputs in order.
    pub inputs: Vec<Tensor>,
    /// Values that may be read, with what they are.
    pub pool: Vec<(Value, Tensor)>,
    /// Choices.
    pub draw: Draw,
    /// Whether sizes of inputs are symbols.
    symbolic: bool,
    /// Whether operands are always new, so that the graph is one operator.
    alone: bool,
    names: usize,
}

impl Builder {
    /// An empty graph. `alone` is for one operator with operands of its own.
    pub fn new(seed: u64, alone: bool) -> Self {
        let mut draw = Draw::new(seed);
        let symbolic = draw.chance(40);
        let graph = Graph::new(&format!("seed{seed}"));
        Builder { graph, inputs: vec![], pool: vec![], draw, symbolic, alone, names: 0 }
    }

    fn name(&mut self, base: &str) -> String {
        self.names += 1;
        format!("{base}{}", self.names)
    }

    /// A new input of this value.
    pub fn input(&mut self, t: Tensor) -> Value {
        let name = self.name("x");
        let mut dim = |(a, d): (usize, &usize)| match self.symbolic && *d > 1 && self.draw.chance(60) {
            true if self.draw.chance(70) => Dim::sym(&format!("s{d}")),
            true => Dim::sym(&format!("{name}_{a}")),
            false => Dim::from(*d),
        };
        let shape: Vec<Dim> = t.shape().iter().enumerate().map(&mut dim).collect();
        let v = self.graph.add_input(&name, Fact::new(t.dtype(), shape));
        self.inputs.push(t.clone());
        self.pool.push((v, t));
        v
    }

    /// A constant, which nodes after it do not choose by chance.
    pub fn constant(&mut self, t: Tensor) -> Value {
        let name = self.name("c");
        self.graph.add_const(&name, t)
    }

    /// A constant vector of integers.
    pub fn ints(&mut self, v: &[i64]) -> Value {
        self.constant(Tensor::i64(&[v.len()], v))
    }

    /// The tensor a value is.
    pub fn tensor(&self, v: Value) -> Tensor {
        match self.graph.constant(v) {
            Some(t) => t.clone(),
            None => {
                self.pool.iter().find(|p| p.0 == v).map(|p| p.1.clone()).expect("values that are read are in the pool")
            }
        }
    }

    /// Shape of a value.
    pub fn shape(&self, v: Value) -> Vec<usize> {
        self.tensor(v).shape().to_vec()
    }

    /// A value of this type that fits, or a new input or constant of a shape that `make` draws.
    pub fn want(
        &mut self,
        dtype: DType,
        fits: impl Fn(&[usize]) -> bool,
        make: impl Fn(&mut Draw) -> Vec<usize>,
    ) -> Value {
        // Samples may hold what is not a number, which no other node should meet.
        let fit = |(_, t): &&(Value, Tensor)| t.dtype() == dtype && fits(t.shape()) && tame(t);
        let found: Vec<Value> = self.pool.iter().filter(fit).map(|p| p.0).collect();
        if !self.alone && !found.is_empty() && self.draw.chance(85) {
            // Newer values more often: deep graphs.
            let at = self.draw.below(found.len()).max(self.draw.below(found.len()));
            return found[at];
        }
        let shape = make(&mut self.draw);
        self.fresh(dtype, &shape)
    }

    /// A new input, or at times a constant.
    pub fn fresh(&mut self, dtype: DType, shape: &[usize]) -> Value {
        let t = self.draw.tensor(dtype, shape);
        if self.draw.chance(if self.alone { 20 } else { 45 }) { self.constant(t) } else { self.input(t) }
    }

    /// Floats of any shape with rank `lo..=hi`.
    pub fn floats(&mut self, lo: usize, hi: usize) -> Value {
        let dtype = match self.draw.below(20) {
            0 => DType::F64,
            1 => DType::F16,
            _ => DType::F32,
        };
        self.of(dtype, lo, hi)
    }

    /// Elements of this type of any shape with rank `lo..=hi`.
    pub fn of(&mut self, dtype: DType, lo: usize, hi: usize) -> Value {
        let make = |d: &mut Draw| {
            let rank = d.range(lo as i64, hi.min(4) as i64) as usize;
            d.shape(rank)
        };
        self.want(dtype, |s| (lo..=hi).contains(&s.len()), make)
    }

    /// A value of this very shape.
    pub fn exactly(&mut self, dtype: DType, shape: &[usize]) -> Value {
        self.want(dtype, |s| s == shape, |_| shape.to_vec())
    }

    /// A value that broadcasts with this shape.
    pub fn beside(&mut self, dtype: DType, shape: &[usize]) -> Value {
        let fits = |s: &[usize]| s.iter().rev().zip(shape.iter().rev()).all(|(a, b)| a == b || *a == 1 || *b == 1);
        self.want(dtype, fits, |d| {
            let keep = if d.chance(60) { shape.len() } else { d.below(shape.len() + 1) };
            shape[shape.len() - keep..].iter().map(|n| if d.chance(20) { 1 } else { *n }).collect()
        })
    }

    /// Adds a node whose results are small enough; `None` when the operator refuses it.
    pub fn op(&mut self, op: &str, attrs: Attrs, x: &[Option<Value>], outputs: usize) -> Option<Vec<Value>> {
        let op = ops::by_name(op)?;
        let tensors: Vec<Option<Tensor>> = x.iter().map(|v| v.map(|v| self.tensor(v))).collect();
        let name = self.name(&op.name().to_lowercase());
        let c = Ctx { name: &name, attrs: &attrs, outputs };
        let facts: Vec<Option<Fact>> = tensors.iter().map(|t| t.as_ref().map(Tensor::fact)).collect();
        let facts = op.infer(&c, &facts.iter().map(Option::as_ref).collect::<Vec<_>>()).ok()?;
        if facts.iter().any(|f| f.len().as_const().is_some_and(|n| n > MOST as i64)) {
            return None;
        }
        let operands: Vec<Option<&Tensor>> = tensors.iter().map(Option::as_ref).collect();
        let y = match guarded("eval", || interp::eval(op.0, &c, &operands).map_err(|e| e.to_string())) {
            Ok(y) => y,
            Err(e) if e.starts_with("eval: panic") => panic!("{} {attrs:?} of {operands:?}: {e}", op.full_name()),
            Err(_) => return None,
        };
        if !y.iter().all(tame) {
            return None;
        }
        self.add(&name, op, attrs, x, y)
    }

    fn add(&mut self, name: &str, op: OpRef, attrs: Attrs, x: &[Option<Value>], y: Vec<Tensor>) -> Option<Vec<Value>> {
        let node = self.graph.add_op(name, op, attrs, x, y.len()).ok()?;
        let values: Vec<Value> = (0..y.len() as u32).map(|port| Value { node, port }).collect();
        if values.iter().zip(&y).any(|(v, t)| self.is_assumed(*v, t)) {
            self.graph.remove(node);
            return None;
        }
        self.pool.extend(values.iter().copied().zip(y));
        Some(values)
    }

    /// Whether inference takes something for granted that does not hold here: that an open size of a Squeeze without axes is
    /// more than 1, as the importer says where it does, or that of two open sizes that are broadcast none is 0, which
    /// programs refuse when they run.
    fn is_assumed(&self, v: Value, t: &Tensor) -> bool {
        let (shape, sizes) = (&self.graph.fact(v).shape, crate::check::sizes(&self.graph, &self.inputs));
        let known = |d: &Dim| d.eval(&|s| sizes.get(s).copied()).ok();
        let other = |(d, n): (&Dim, &usize)| known(d).is_some_and(|d| d != *n as i64);
        shape.len() != t.rank() || (t.is_empty() && shape.iter().zip(t.shape()).any(other))
    }

    /// The same with one result and all operands.
    pub fn apply(&mut self, op: &str, attrs: Attrs, x: &[Value]) -> Option<Value> {
        let x: Vec<_> = x.iter().copied().map(Some).collect();
        Some(self.op(op, attrs, &x, 1)?[0])
    }

    /// Names the outputs: all that nobody reads, and some others.
    pub fn finish(mut self) -> (Graph, Vec<Tensor>) {
        let mut outputs: BTreeMap<Value, ()> = BTreeMap::new();
        for (v, _) in &self.pool {
            let input = self.graph.inputs().contains(&v.node);
            if !input && (self.graph.users(*v).is_empty() || self.draw.chance(8)) {
                outputs.insert(*v, ());
            }
        }
        for (i, v) in outputs.into_keys().enumerate() {
            self.graph.add_output(&format!("y{i}"), v);
        }
        (self.graph, self.inputs)
    }
}

/// Whether all elements are numbers of moderate size, and there are not many.
fn tame(t: &Tensor) -> bool {
    let good = |v: Num| match v {
        Num::F(f) => f.is_finite() && f.abs() <= LARGEST,
        Num::I(i) => i.abs() < 1 << 40,
    };
    t.len() <= MOST && t.iter().all(good)
}
