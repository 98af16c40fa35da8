//! `If`, `Loop` and `Scan`: subgraphs as closed graphs.
//!
//! What a subgraph takes from the graph around it becomes an operand of the node after all others, and an input of the
//! subgraph after all others; captured constants are copied into the subgraph instead, sharing their bytes.

use super::node::{at, results};
use super::{Assumption, Env, Frame, Importer, assume, attribute, free};
use crate::dims::input_fact;
use crate::proto::{GraphProto, NodeProto};
use crate::{Error, Result};
use dlc_ir::{Attrs, Dim, Fact, Graph, Tensor, Value, ops};
use std::collections::{BTreeSet, HashSet};

/// Most times a body is imported anew because a size changes from one iteration to the next.
const MAX_WIDENINGS: usize = 4;

/// What subgraphs of one node take from outside.
#[derive(Default)]
struct Captured {
    /// Name outside, unique name of the input, fact and value.
    values: Vec<(String, String, Fact, Value)>,
    constants: Vec<(String, Tensor)>,
}

impl Importer<'_> {
    pub(super) fn if_(&mut self, f: &mut Frame, n: &NodeProto, x: Vec<Option<Value>>) -> Result<Vec<Option<Value>>> {
        let (then, els) = (branch(n, "then_branch")?, branch(n, "else_branch")?);
        let cond = x.first().copied().flatten();
        let known = cond.and_then(|c| f.graph.fact(c).constant().filter(|t| t.len() == 1).map(|t| t.at(0).truth()));
        if let Some(taken) = known {
            return self.inline(f, if taken { then } else { els });
        }
        let captured = self.captured(f, &[then, els]);
        let graphs = (self.closed(f, then, &captured, &[]), self.closed(f, els, &captured, &[]));
        let sizes = cond.and_then(|c| assume::sizes(f.graph, c));
        let taken = match (&graphs, sizes) {
            ((Ok(a), Ok(b)), Some(_)) if alike(a, b) => None,
            ((Ok(_), Ok(_)), Some(s)) => Some((self.choices.next(), s)),
            ((Ok(_), Err(_)), Some(s)) => Some((true, s)),
            ((Err(_), Ok(_)), Some(s)) => Some((false, s)),
            _ => None,
        };
        if let Some((taken, assume::Sizes(left, right, equal))) = taken {
            let node = n.name.clone();
            let assumption = Assumption { node, left, right, equal: equal == taken, always: f.always };
            self.assumptions.push(assumption);
            return self.inline(f, if taken { then } else { els });
        }
        let attrs = Attrs::new().with("then_branch", graphs.0?).with("else_branch", graphs.1?);
        self.control(f, n, attrs, vec![cond], &captured)
    }

    /// A branch that is known to be taken, in place of the node.
    fn inline(&mut self, f: &mut Frame, g: &GraphProto) -> Result<Vec<Option<Value>>> {
        let mut inner =
            Frame { graph: f.graph, env: Env::inside(&f.env), opsets: f.opsets, depth: f.depth + 1, always: f.always };
        let outputs = self.body(&mut inner, g)?;
        Ok(outputs.into_iter().map(|o| Some(o.1)).collect())
    }

    pub(super) fn loop_(
        &mut self,
        f: &mut Frame,
        n: &NodeProto,
        mut x: Vec<Option<Value>>,
    ) -> Result<Vec<Option<Value>>> {
        let body = branch(n, "body")?;
        x.resize(x.len().max(2), None);
        let mut facts = vec![Fact::new(dlc_ir::DType::I64, []), Fact::new(dlc_ir::DType::Bool, [])];
        for v in &x[2..] {
            facts.push(operand(f, n, *v)?.type_only());
        }
        let captured = self.captured(f, &[body]);
        let states = 2..facts.len();
        let graph = self.iterated(f, n, body, &captured, facts, states, 1)?;
        let attrs = Attrs::new().with("body", graph);
        self.control(f, n, attrs, x, &captured)
    }

    pub(super) fn scan(&mut self, f: &mut Frame, n: &NodeProto, x: Vec<Option<Value>>) -> Result<Vec<Option<Value>>> {
        if f.opsets.version("") < 9 {
            return self.batched_scan(f, n, x);
        }
        let body = branch(n, "body")?;
        let mut attrs = attribute::attrs(&n.attribute, &mut self.external).map_err(|e| at(e, &n.name, "Scan"))?;
        let (scanned, axes) = scan_attrs(n, &attrs, x.len())?;
        let states = x.len() - scanned;
        let mut facts = vec![];
        for (i, v) in x.iter().enumerate() {
            let mut fact = operand(f, n, *v)?.type_only();
            if i >= states {
                remove_axis(n, &mut fact, axes.get(i - states).copied().unwrap_or(0))?;
            }
            facts.push(fact);
        }
        let captured = self.captured(f, &[body]);
        attrs.set("body", self.iterated(f, n, body, &captured, facts, 0..states, 0)?);
        self.control(f, n, attrs, x, &captured)
    }

    /// A `Scan` of opset 8, whose operands all have a batch before their own axes and whose first operand may be the
    /// lengths of the sequences: a scan over the batch, without state, of a scan over one sequence.
    fn batched_scan(&mut self, f: &mut Frame, n: &NodeProto, x: Vec<Option<Value>>) -> Result<Vec<Option<Value>>> {
        if x.first().is_some_and(Option::is_some) {
            return Err(refuse(n, "operand sequence_lens is given, expected sequences of one length".into()));
        }
        let (body, x) = (branch(n, "body")?, x.get(1..).unwrap_or_default().to_vec());
        let mut attrs = attribute::attrs(&n.attribute, &mut self.external).map_err(|e| at(e, &n.name, "Scan"))?;
        let (scanned, _) = scan_attrs(n, &attrs, x.len())?;
        if let Some(directions) = attrs.remove("directions") {
            attrs.set("scan_input_directions", directions);
        }
        let (mut one, mut slices) = (vec![], vec![]);
        for (i, v) in x.iter().enumerate() {
            let mut fact = operand(f, n, *v)?.type_only();
            remove_axis(n, &mut fact, 0)?;
            one.push(fact.clone());
            if i >= x.len() - scanned {
                remove_axis(n, &mut fact, 0)?;
            }
            slices.push(fact);
        }
        let captured = self.captured(f, &[body]);
        attrs.set("body", self.iterated(f, n, body, &captured, slices, 0..x.len() - scanned, 0)?);
        attrs.set("captured", captured.values.len());
        let body = self.one_sequence(n, one, attrs, &captured)?;
        let attrs = Attrs::new().with("body", body).with("num_scan_inputs", x.len());
        self.control(f, n, attrs, x, &captured)
    }

    /// The graph of one scan: what is scanned over the batch by [`Self::batched_scan`].
    fn one_sequence(&mut self, n: &NodeProto, x: Vec<Fact>, attrs: Attrs, captured: &Captured) -> Result<Graph> {
        let mut g = Graph::new("sequence");
        let facts = x.into_iter().chain(captured.values.iter().map(|c| c.2.clone()));
        let x: Vec<Option<Value>> = facts.map(|fact| Some(g.add_input(&self.names.unique("sequence"), fact))).collect();
        let op = ops::find("", "Scan").ok_or_else(|| refuse(n, "operator Scan is not supported".into()))?;
        let outputs = results(n).max(op.results().min);
        let node = g.add_op(&self.names.unique("scan"), op, attrs, &x, outputs)?;
        for port in 0..outputs as u32 {
            g.add_output(&format!("result_{port}"), Value { node, port });
        }
        Ok(g)
    }

    /// The body of a loop whose states (inputs `states`) keep their types: where the body gives a state another size
    /// than it had, the size becomes a symbol. The body's first state is output `first`.
    #[allow(clippy::too_many_arguments)]
    fn iterated(
        &mut self,
        f: &mut Frame,
        n: &NodeProto,
        body: &GraphProto,
        captured: &Captured,
        mut facts: Vec<Fact>,
        states: std::ops::Range<usize>,
        first: usize,
    ) -> Result<Graph> {
        if body.input.len() != facts.len() {
            return Err(refuse(n, format!("body has {} inputs, expected {}", body.input.len(), facts.len())));
        }
        let mut symbols = BTreeSet::new();
        for _ in 0..MAX_WIDENINGS {
            let graph = self.closed(f, body, captured, &facts)?;
            let outputs = graph.outputs();
            let mut same = true;
            for (s, (_, v)) in states.clone().zip(outputs.iter().skip(first)) {
                let name = &body.input[s].name;
                let widened = self.widen(&mut facts[s], graph.fact(*v), name, &mut symbols);
                same &= !widened.map_err(|what| refuse(n, what))?;
            }
            if same {
                return Ok(graph);
            }
        }
        Err(refuse(n, "the sizes of a loop-carried value do not settle".into()))
    }

    /// Makes a symbol of every size of `state` that `next` has another of; whether there was one.
    fn widen(
        &mut self,
        state: &mut Fact,
        next: &Fact,
        name: &str,
        symbols: &mut BTreeSet<String>,
    ) -> std::result::Result<bool, String> {
        if !state.form.is_dense() || !next.form.is_dense() {
            let both = state.join(next).map_err(|e| format!("the loop-carried value {name:?}: {e}"))?;
            let widened = !both.same_type(state);
            *state = both;
            return Ok(widened);
        }
        if state.rank() != next.rank() {
            return Err(format!("the loop-carried value {name:?} is {state} before and {next} after an iteration"));
        }
        let mut widened = false;
        for (axis, (a, b)) in state.shape.iter_mut().zip(&next.shape).enumerate() {
            if a != b && !a.as_sym().is_some_and(|s| symbols.contains(s)) {
                let symbol = self.names.unique(&format!("{name}_{axis}"));
                *a = Dim::sym(&symbol);
                symbols.insert(symbol);
                widened = true;
            }
        }
        Ok(widened)
    }

    /// The node, with what its subgraphs capture after its own operands.
    fn control(
        &mut self,
        f: &mut Frame,
        n: &NodeProto,
        mut attrs: Attrs,
        mut x: Vec<Option<Value>>,
        captured: &Captured,
    ) -> Result<Vec<Option<Value>>> {
        x.extend(captured.values.iter().map(|c| Some(c.3)));
        if n.op_type != "If" {
            attrs.set("captured", captured.values.len());
        }
        let op = ops::find("", &n.op_type);
        let op = op.ok_or_else(|| refuse(n, format!("operator {} is not supported", n.op_type)))?;
        let outputs = results(n).max(op.results().min);
        let node = f.graph.add_op(&self.names.node(&n.name, &n.op_type), op, attrs, &x, outputs)?;
        Ok((0..outputs as u32).map(|port| Some(Value { node, port })).collect())
    }

    fn captured(&mut self, f: &Frame, graphs: &[&GraphProto]) -> Captured {
        let mut out = Captured::default();
        let mut seen = HashSet::new();
        for name in graphs.iter().flat_map(|g| free::captured(g)) {
            let Some(v) = f.env.value(&name).filter(|_| seen.insert(name.clone())) else { continue };
            match f.graph.constant(v) {
                Some(t) => out.constants.push((name, t.clone())),
                None => {
                    let fact = f.graph.fact(v).clone();
                    out.values.push((name.clone(), self.names.unique(&name), fact, v));
                }
            }
        }
        out
    }

    /// The graphs in the attributes of an operator that is no control flow; they take nothing but constants from outside.
    pub(super) fn graphs(&mut self, f: &Frame, n: &NodeProto, attrs: &mut Attrs) -> Result<()> {
        for (a, g) in n.attribute.iter().filter_map(|a| Some((a, a.g.as_ref()?))) {
            let captured = self.captured(f, &[g]);
            if let Some(c) = captured.values.first() {
                return Err(refuse(n, format!("graph {} uses {:?} of the graph around it", a.name, c.0)));
            }
            let facts = g.input.iter().map(input_fact).collect::<Result<Vec<Fact>>>()?;
            attrs.set(&a.name, self.closed(f, g, &captured, &facts)?);
        }
        Ok(())
    }

    /// A subgraph with inputs of its own (`facts`) and, after them, the captured ones.
    fn closed(&mut self, f: &Frame, g: &GraphProto, captured: &Captured, facts: &[Fact]) -> Result<Graph> {
        let mut graph = Graph::new(&g.name);
        let mut env = Env::default();
        for (v, fact) in g.input.iter().zip(facts) {
            let name = self.names.unique(&v.name);
            env.bind(&v.name, Some(graph.add_input(&name, fact.clone())));
        }
        for (name, input, fact, _) in &captured.values {
            env.bind(name, Some(graph.add_input(input, fact.clone())));
        }
        for name in free::captured(g) {
            if let Some((_, t)) = captured.constants.iter().find(|c| c.0 == name) {
                env.bind(&name, Some(graph.add_const(&self.names.unique(&name), t.clone())));
            } else if !env.knows(&name) && f.env.knows(&name) {
                env.bind(&name, None);
            }
        }
        let mut frame = Frame { graph: &mut graph, env, opsets: f.opsets, depth: f.depth + 1, always: false };
        let outputs = self.body(&mut frame, g)?;
        graph.set_outputs(outputs);
        Ok(graph)
    }
}

/// Whether two branches give results of the same types and ranks.
fn alike(a: &Graph, b: &Graph) -> bool {
    let kind = |f: &Fact| (f.dtype, f.form.is_sequence(), if f.form.is_dense() { f.rank() } else { 0 });
    let kinds = |g: &Graph| -> Vec<_> { g.outputs().iter().map(|o| kind(g.fact(o.1))).collect() };
    kinds(a) == kinds(b)
}

fn branch<'n>(n: &'n NodeProto, name: &str) -> Result<&'n GraphProto> {
    let a = n.attribute.iter().find(|a| a.name == name).and_then(|a| a.g.as_ref());
    a.ok_or_else(|| refuse(n, format!("attribute {name} is missing, expected a graph: it is required")))
}

fn refuse(n: &NodeProto, what: String) -> Error {
    Error::Node { name: n.name.clone(), op: n.op_type.clone(), what }
}

fn operand<'f>(f: &'f Frame, n: &NodeProto, v: Option<Value>) -> Result<&'f Fact> {
    v.map(|v| f.graph.fact(v)).ok_or_else(|| refuse(n, "a loop-carried operand is missing".into()))
}

/// Number of scanned operands, and their axes (all 0 when not given).
fn scan_attrs(n: &NodeProto, attrs: &Attrs, operands: usize) -> Result<(usize, Vec<i64>)> {
    let scanned = dlc_ir::attrs::read::<i64>(attrs, "num_scan_inputs", None).map_err(|e| refuse(n, e.to_string()))?;
    let axes = dlc_ir::attrs::read::<Vec<i64>>(attrs, "scan_input_axes", Some(vec![]));
    let axes = axes.map_err(|e| refuse(n, e.to_string()))?;
    match usize::try_from(scanned).ok().filter(|s| *s <= operands) {
        Some(s) => Ok((s, axes)),
        None => Err(refuse(n, format!("num_scan_inputs is {scanned}, expected 0 to {operands}"))),
    }
}

fn remove_axis(n: &NodeProto, fact: &mut Fact, axis: i64) -> Result<()> {
    let axis = dlc_ir::op::axis(axis, fact.rank()).map_err(|e| refuse(n, e.to_string()))?;
    fact.shape.remove(axis);
    Ok(())
}
