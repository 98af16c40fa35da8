//! A graph and what it is run on, and its parts.

use dlc_ir::graph::Kind;
use dlc_ir::{Attr, Fact, Graph, NodeId, Tensor, Value, budget, interp};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Most work of a node that runs graphs: a loop may be endless.
const WORK: u64 = 1 << 22;

/// A graph and a tensor for each of its inputs.
#[derive(Clone, Debug)]
pub struct Case {
    /// The graph.
    pub graph: Graph,
    /// Its inputs, in order.
    pub inputs: Vec<Tensor>,
}

impl Case {
    /// Its operators, operands first; as they were added, where they wait for each other.
    pub fn operators(&self) -> Vec<NodeId> {
        let order = self.graph.topo().unwrap_or_else(|_| self.graph.nodes().collect());
        order.into_iter().filter(|id| self.graph.node(*id).op().is_some()).collect()
    }

    /// How much there is to read: nodes, outputs, and elements of inputs and constants.
    pub fn weight(&self) -> (usize, usize, usize) {
        let constants = self.graph.nodes().filter_map(|id| match &self.graph.node(id).kind {
            Kind::Const(t) => Some(t.len()),
            _ => None,
        });
        let elements = constants.sum::<usize>() + self.inputs.iter().map(Tensor::len).sum::<usize>();
        (size(&self.graph), self.graph.outputs().len(), elements)
    }

    /// What the oracle gives for each result, but for those of nodes that fail, and of graphs that go on for too long, and what
    /// needs them.
    pub fn values(&self) -> BTreeMap<Value, Tensor> {
        let inputs = self.graph.inputs().iter().zip(&self.inputs);
        let mut out: BTreeMap<Value, Tensor> = inputs
            .map(|(id, t)| (Value { node: *id, port: 0 }, t.clone().typed_as(&self.graph.node(*id).outputs[0])))
            .collect();
        for node in self.graph.topo().unwrap_or_default() {
            // A panic of an operator may be the very failure that is looked for.
            let y = catch_unwind(AssertUnwindSafe(|| self.results(node, &out))).ok().flatten().unwrap_or_default();
            out.extend((0..).zip(y).map(|(port, t)| (Value { node, port }, t)));
        }
        out
    }

    /// Results of one node from the values of its operands.
    fn results(&self, id: NodeId, values: &BTreeMap<Value, Tensor>) -> Option<Vec<Tensor>> {
        let node = self.graph.node(id);
        if let Kind::Const(t) = &node.kind {
            return Some(vec![t.clone()]);
        }
        let (op, ctx) = node.ctx()?;
        let operand = |v: Option<Value>| v.map_or(Some(None), |v| values.get(&v).map(Some));
        let x: Vec<Option<&Tensor>> = self.graph.operands(id).into_iter().map(operand).collect::<Option<_>>()?;
        let runs_graphs = ctx.attrs.iter().any(|a| matches!(a.1, Attr::Graph(_)));
        match runs_graphs {
            true => budget::bounded(WORK, || interp::eval(op.0, &ctx, &x)).ok()?,
            false => interp::eval(op.0, &ctx, &x).ok(),
        }
    }

    /// These operators alone. What they read of others becomes an input of the value it had, or a constant where an
    /// operator must know it; what none of them reads becomes an output. `None` if a value is not known.
    pub fn keep(&self, kept: &BTreeSet<NodeId>, values: &BTreeMap<Value, Tensor>) -> Option<Case> {
        let mut out = Case { graph: Graph::new(&self.graph.name), inputs: vec![] };
        let mut map: HashMap<Value, Value> = HashMap::new();
        for (id, t) in self.graph.inputs().iter().zip(&self.inputs) {
            let v = Value { node: *id, port: 0 };
            if self.graph.users(v).iter().any(|u| kept.contains(&u.0)) {
                let node = self.graph.node(*id);
                map.insert(v, out.input(&node.name, node.outputs[0].clone(), t));
            }
        }
        for id in self.operators().into_iter().filter(|id| kept.contains(id)) {
            self.copy(id, &mut out, &mut map, values)?;
        }
        self.name_outputs(kept, &map, &mut out.graph);
        Some(out)
    }

    /// Adds an input and its tensor.
    fn input(&mut self, name: &str, fact: Fact, t: &Tensor) -> Value {
        self.inputs.push(t.clone());
        self.graph.add_input(&self.graph.fresh_name(name), fact)
    }

    /// Copies an operator, after what it reads.
    fn copy(
        &self,
        id: NodeId,
        out: &mut Case,
        map: &mut HashMap<Value, Value>,
        values: &BTreeMap<Value, Tensor>,
    ) -> Option<()> {
        let node = self.graph.node(id);
        let (op, attrs) = node.op()?;
        let mut cut = vec![];
        for v in self.graph.operands(id).into_iter().flatten() {
            if map.contains_key(&v) {
                continue;
            }
            let name = &self.graph.node(v.node).name;
            match self.graph.constant(v) {
                Some(t) => drop(map.insert(v, out.graph.add_const(&out.graph.fresh_name(name), t.clone()))),
                None => {
                    let t = values.get(&v)?;
                    map.insert(v, out.input(name, open(self.graph.fact(v), t), t));
                    cut.push(v);
                }
            }
        }
        let x = |map: &HashMap<Value, Value>| -> Vec<Option<Value>> {
            self.graph.operands(id).into_iter().map(|v| v.map(|v| map[&v])).collect()
        };
        let name = out.graph.fresh_name(&node.name);
        let mut added = out.graph.add_op(&name, op, attrs.clone(), &x(map), node.outputs.len());
        if added.is_err() {
            cut.iter().for_each(|v| out.graph.node_mut(map[v].node).outputs[0] = values[v].type_fact());
            added = out.graph.add_op(&name, op, attrs.clone(), &x(map), node.outputs.len());
        }
        if added.is_err() {
            for v in cut {
                map.insert(v, out.constant(map[&v]));
            }
            added = out.graph.add_op(&name, op, attrs.clone(), &x(map), node.outputs.len());
        }
        let new = added.ok()?;
        map.extend((0..node.outputs.len() as u32).map(|port| (Value { node: id, port }, Value { node: new, port })));
        Some(())
    }

    /// The constant that takes the place of an input. A sequence stays an input.
    fn constant(&mut self, input: Value) -> Value {
        let Some(k) = self.graph.inputs().iter().position(|id| *id == input.node) else { return input };
        if self.inputs[k].items().is_some() {
            return input;
        }
        let t = self.inputs.remove(k);
        let name = self.graph.node(input.node).name.clone();
        let new = self.graph.add_const(&format!("{name}/value"), t);
        self.graph.replace(input, new);
        self.graph.remove(input.node);
        new
    }

    fn name_outputs(&self, kept: &BTreeSet<NodeId>, map: &HashMap<Value, Value>, out: &mut Graph) {
        for (name, v) in self.graph.outputs().iter().filter(|o| kept.contains(&o.1.node)) {
            out.add_output(name, map[v]);
        }
        for id in self.operators().into_iter().filter(|id| kept.contains(id)) {
            for port in 0..self.graph.node(id).outputs.len() as u32 {
                let v = Value { node: id, port };
                if !out.is_output(map[&v]) && !self.graph.users(v).iter().any(|u| kept.contains(&u.0)) {
                    out.add_output(&format!("{}:{port}", self.graph.node(id).name), map[&v]);
                }
            }
        }
    }

    /// With these outputs alone, and what they need.
    pub fn with_outputs(&self, outputs: Vec<(String, Value)>) -> Option<Case> {
        let mut out = self.clone();
        out.graph.set_outputs(outputs);
        out.sweep();
        Some(out)
    }

    /// Removes what no output needs.
    fn sweep(&mut self) {
        let mut order = self.graph.topo().unwrap_or_default();
        order.reverse();
        for id in order {
            let mut ports = (0..self.graph.node(id).outputs.len() as u32).map(|port| Value { node: id, port });
            if ports.any(|v| self.graph.is_output(v) || !self.graph.users(v).is_empty()) {
                continue;
            }
            if let Some(k) = self.graph.inputs().iter().position(|i| *i == id) {
                self.inputs.remove(k);
            }
            self.graph.remove(id);
        }
    }
}

/// Number of nodes, with those of the graphs inside of them.
fn size(g: &Graph) -> usize {
    let attrs = g.nodes().filter_map(|id| g.node(id).op()).flat_map(|(_, attrs)| attrs.iter());
    g.len() + attrs.map(|a| if let Attr::Graph(body) = a.1 { size(body) } else { 0 }).sum::<usize>()
}

/// What is known of a value that becomes an input: its sizes stay open, but for those that only data decides.
fn open(fact: &Fact, t: &Tensor) -> Fact {
    let mut fresh = false;
    fact.shape.iter().for_each(|d| d.symbols(&mut |s| fresh |= s.contains('#')));
    if fresh { t.type_fact() } else { fact.type_only() }
}
