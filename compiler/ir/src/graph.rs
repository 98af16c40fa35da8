//! A graph of operators. The one file that knows petgraph.

use crate::{Attrs, Ctx, Dim, Error, Fact, OpRef, Result, Tensor};
use petgraph::Direction;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use petgraph::visit::EdgeRef;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// A node of a graph; stays valid while other nodes come and go.
pub type NodeId = NodeIndex<u32>;

/// One result of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value {
    /// The node.
    pub node: NodeId,
    /// Which of its results.
    pub port: u32,
}

/// What a node does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Gives an input of the graph.
    Input,
    /// Gives a constant.
    Const(Tensor),
    /// Applies an operator.
    Op {
        /// The operator.
        op: OpRef,
        /// Its attributes.
        attrs: Attrs,
    },
}

/// A node: what it does and what is known of its results.
#[derive(Clone, Debug)]
pub struct Node {
    /// Name as the model gives it; unique in the graph.
    pub name: String,
    /// What it does.
    pub kind: Kind,
    /// A fact for each result.
    pub outputs: Vec<Fact>,
    slots: usize,
}

impl Node {
    /// The operator and its attributes, if it is one.
    pub fn op(&self) -> Option<(OpRef, &Attrs)> {
        match &self.kind {
            Kind::Op { op, attrs } => Some((*op, attrs)),
            _ => None,
        }
    }

    /// Name of the operator, or `Input` / `Const`.
    pub fn op_name(&self) -> String {
        match &self.kind {
            Kind::Input => "Input".into(),
            Kind::Const(_) => "Const".into(),
            Kind::Op { op, .. } => op.full_name(),
        }
    }

    /// What the operator is told of this node.
    pub fn ctx(&self) -> Option<(OpRef, Ctx<'_>)> {
        let (op, attrs) = self.op()?;
        Some((op, Ctx { name: &self.name, attrs, outputs: self.outputs.len() }))
    }
}

/// Deepest nesting of the expression of a size, and most parts of it: what works on expressions recurses and copies them.
const DEEPEST: usize = 128;
const HEAVIEST: usize = 1 << 14;

fn check_size(d: &Dim) -> Result<()> {
    let (depth, weight) = (d.depth(), d.weight());
    crate::ensure!(
        depth <= DEEPEST,
        "a size is an expression {depth} deep, expected at most {DEEPEST}: fix sizes of the inputs"
    );
    crate::ensure!(
        weight <= HEAVIEST,
        "a size is an expression of {weight} parts, expected at most {HEAVIEST}: fix sizes of the inputs"
    );
    Ok(())
}

#[derive(Clone, Copy, Debug)]
struct Edge {
    port: u32,
    slot: u32,
}

/// A closed, acyclic graph: nothing but its inputs comes from outside (subgraphs take captured values as inputs).
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// Name as the model gives it.
    pub name: String,
    inner: StableDiGraph<Node, Edge, u32>,
    inputs: Vec<NodeId>,
    outputs: Vec<(String, Value)>,
}

impl Graph {
    /// An empty graph.
    pub fn new(name: &str) -> Self {
        Graph { name: name.into(), ..Default::default() }
    }

    /// Adds an input after those that are there.
    pub fn add_input(&mut self, name: &str, fact: Fact) -> Value {
        let node = self.push(name, Kind::Input, vec![fact], &[]);
        self.inputs.push(node);
        Value { node, port: 0 }
    }

    /// Adds a constant.
    pub fn add_const(&mut self, name: &str, t: Tensor) -> Value {
        let fact = t.fact();
        let node = self.push(name, Kind::Const(t), vec![fact], &[]);
        Value { node, port: 0 }
    }

    /// Adds an operator, infers its results, and refuses what it refuses. `None` is an omitted operand.
    pub fn add_op(&mut self, name: &str, op: OpRef, attrs: Attrs, x: &[Option<Value>], n: usize) -> Result<NodeId> {
        let facts = self.infer(name, op, &attrs, x, n)?;
        Ok(self.push(name, Kind::Op { op, attrs }, facts, x))
    }

    /// Adds an operator with one result by its ONNX name, all operands present.
    pub fn apply(&mut self, name: &str, op: &str, attrs: Attrs, x: &[Value]) -> Result<Value> {
        let op = crate::ops::by_name(op).ok_or_else(|| Error::op(format!("no operator {op:?}")).at(name, op))?;
        let x: Vec<_> = x.iter().copied().map(Some).collect();
        Ok(Value { node: self.add_op(name, op, attrs, &x, 1)?, port: 0 })
    }

    /// The facts `op` would give for these operands.
    pub fn infer(&self, name: &str, op: OpRef, attrs: &Attrs, x: &[Option<Value>], n: usize) -> Result<Vec<Fact>> {
        let at = |e: Error| e.at(name, &op.full_name());
        let arity = op.operands();
        if x.len() > arity.max || x.len() < arity.min {
            return Err(at(Error::op(format!("{} operands, expected {} to {}", x.len(), arity.min, arity.max))));
        }
        let results = op.results();
        if n > results.max || n < results.min {
            return Err(at(Error::op(format!("{n} results, expected {} to {}", results.min, results.max))));
        }
        crate::attrs::check(attrs, op.schema()).map_err(at)?;
        let x: Vec<Option<&Fact>> = x.iter().map(|v| v.map(|v| self.fact(v))).collect();
        let y = crate::op::infer(op.0, &Ctx { name, attrs, outputs: n }, &x).map_err(at)?;
        y.iter().flat_map(|f| &f.shape).try_for_each(check_size).map_err(at)?;
        match y.len() == n {
            true => Ok(y),
            false => Err(at(Error::op(format!("infer gave {} facts for {n} results", y.len())))),
        }
    }

    fn push(&mut self, name: &str, kind: Kind, outputs: Vec<Fact>, x: &[Option<Value>]) -> NodeId {
        let node = self.inner.add_node(Node { name: name.into(), kind, outputs, slots: x.len() });
        for (slot, v) in x.iter().enumerate() {
            if let Some(v) = v {
                self.inner.add_edge(v.node, node, Edge { port: v.port, slot: slot as u32 });
            }
        }
        node
    }

    /// Names a value as the next output of the graph.
    pub fn add_output(&mut self, name: &str, v: Value) {
        self.outputs.push((name.into(), v));
    }

    /// Replaces all outputs.
    pub fn set_outputs(&mut self, outputs: Vec<(String, Value)>) {
        self.outputs = outputs;
    }

    /// Inputs in order.
    pub fn inputs(&self) -> &[NodeId] {
        &self.inputs
    }

    /// Outputs in order.
    pub fn outputs(&self) -> &[(String, Value)] {
        &self.outputs
    }

    /// A node. Panics if it was removed: a bug of the caller.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.inner[id]
    }

    /// A node, to change it in place.
    pub fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.inner[id]
    }

    /// What is known of a value.
    pub fn fact(&self, v: Value) -> &Fact {
        &self.inner[v.node].outputs[v.port as usize]
    }

    /// The constant behind a value, if its node is one.
    pub fn constant(&self, v: Value) -> Option<&Tensor> {
        match &self.inner[v.node].kind {
            Kind::Const(t) => Some(t),
            _ => None,
        }
    }

    /// Operands of a node by slot.
    pub fn operands(&self, id: NodeId) -> Vec<Option<Value>> {
        let mut out = vec![None; self.inner[id].slots];
        for e in self.inner.edges_directed(id, Direction::Incoming) {
            out[e.weight().slot as usize] = Some(Value { node: e.source(), port: e.weight().port });
        }
        out
    }

    /// Facts of the operands of a node by slot.
    pub fn operand_facts(&self, id: NodeId) -> Vec<Option<&Fact>> {
        self.operands(id).into_iter().map(|v| v.map(|v| self.fact(v))).collect()
    }

    /// Nodes and slots that read a value, sorted.
    pub fn users(&self, v: Value) -> Vec<(NodeId, usize)> {
        let edges = self.inner.edges_directed(v.node, Direction::Outgoing);
        let mut out: Vec<_> =
            edges.filter(|e| e.weight().port == v.port).map(|e| (e.target(), e.weight().slot as usize)).collect();
        out.sort();
        out
    }

    /// Whether an output of the graph is this value.
    pub fn is_output(&self, v: Value) -> bool {
        self.outputs.iter().any(|o| o.1 == v)
    }

    /// Makes every reader of `old`, and the outputs of the graph, read `new`.
    pub fn replace(&mut self, old: Value, new: Value) {
        for (user, slot) in self.users(old) {
            self.set_operand(user, slot, Some(new));
        }
        for o in &mut self.outputs {
            if o.1 == old {
                o.1 = new;
            }
        }
    }

    /// Sets one operand of a node.
    pub fn set_operand(&mut self, id: NodeId, slot: usize, v: Option<Value>) {
        let old = self
            .inner
            .edges_directed(id, Direction::Incoming)
            .find(|e| e.weight().slot as usize == slot)
            .map(|e| e.id());
        if let Some(e) = old {
            self.inner.remove_edge(e);
        }
        if let Some(v) = v {
            self.inner.add_edge(v.node, id, Edge { port: v.port, slot: slot as u32 });
        }
    }

    /// Turns a node with one result into a constant of the same name; its operands are no longer read.
    pub fn make_const(&mut self, id: NodeId, t: Tensor) {
        let edges: Vec<_> = self.inner.edges_directed(id, Direction::Incoming).map(|e| e.id()).collect();
        for e in edges {
            self.inner.remove_edge(e);
        }
        let node = &mut self.inner[id];
        node.slots = 0;
        node.outputs = vec![t.fact()];
        node.kind = Kind::Const(t);
    }

    /// A name no node has: `base`, or `base.2`, `base.3` and so on.
    pub fn fresh_name(&self, base: &str) -> String {
        if self.nodes().all(|id| self.inner[id].name != base) {
            return base.into();
        }
        let taken: HashSet<&str> = self.nodes().map(|id| &*self.inner[id].name).collect();
        (2..).map(|k| format!("{base}.{k}")).find(|n| !taken.contains(&**n)).unwrap_or_default()
    }

    /// Removes a node that nobody reads.
    pub fn remove(&mut self, id: NodeId) {
        self.inputs.retain(|i| *i != id);
        self.inner.remove_node(id);
    }

    /// All nodes in the order they were added.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.inner.node_indices()
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.inner.node_count()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every node after its operands; among ready nodes the first added comes first. An error names a cycle.
    pub fn topo(&self) -> Result<Vec<NodeId>> {
        let mut waits: BTreeMap<NodeId, usize> = BTreeMap::new();
        for id in self.nodes() {
            waits.insert(id, self.inner.edges_directed(id, Direction::Incoming).count());
        }
        let mut ready: BTreeSet<NodeId> = waits.iter().filter(|(_, n)| **n == 0).map(|(id, _)| *id).collect();
        let mut order = Vec::with_capacity(waits.len());
        while let Some(id) = ready.pop_first() {
            order.push(id);
            for e in self.inner.edges_directed(id, Direction::Outgoing) {
                let left = waits.get_mut(&e.target()).expect("every node is counted");
                *left -= 1;
                if *left == 0 {
                    ready.insert(e.target());
                }
            }
        }
        match order.len() == waits.len() {
            true => Ok(order),
            false => {
                let on_cycle = waits.iter().find(|(_, n)| **n > 0).map(|(id, _)| self.inner[*id].name.clone());
                Err(Error::Graph { graph: self.name.clone(), what: format!("node {on_cycle:?} is on a cycle") })
            }
        }
    }

    /// The facts of every node, inferred anew in order. How elements were quantized is not inferred and stays.
    pub fn infer_all(&mut self) -> Result<()> {
        self.topo()?.into_iter().try_for_each(|id| self.infer_node(id))
    }

    /// The facts of one node, inferred anew from those of its operands.
    pub fn infer_node(&mut self, id: NodeId) -> Result<()> {
        let node = self.node(id);
        let Some((op, attrs)) = node.op() else { return Ok(()) };
        let facts = self.infer(&node.name, op, attrs, &self.operands(id), node.outputs.len())?;
        for (recorded, inferred) in self.inner[id].outputs.iter_mut().zip(facts) {
            let quant = recorded.quant.take();
            *recorded = Fact { quant: inferred.quant.clone().or(quant), ..inferred };
        }
        Ok(())
    }
}

/// Equal when printed the same, constants included: node numbers do not matter.
impl PartialEq for Graph {
    fn eq(&self, other: &Self) -> bool {
        crate::text::print(self) == crate::text::print(other)
    }
}
impl Eq for Graph {}
