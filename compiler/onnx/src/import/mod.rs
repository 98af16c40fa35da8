//! A decoded model as a graph.
//!
//! [`Importer`] walks the nodes in topological order and adds each to a [`Graph`], after
//! [`upgrade`](crate::upgrade) has given it the newest form of its operator. Subgraphs become closed graphs whose
//! captured values are operands of the node; functions are expanded in place.

mod assume;
mod attribute;
mod constant;
mod control;
mod env;
mod free;
mod function;
mod gradient;
mod node;
mod opsets;
mod order;
mod sequence_map;
mod shape_math;

pub use assume::Assumption;
pub use free::used;
pub use opsets::{NEWEST, Opsets};

use crate::external::External;
use crate::names::Names;
use crate::proto::{FunctionProto, GraphProto, ModelProto, NodeProto, ValueInfoProto};
use crate::{Error, LoadOptions, Result, dims, tensor};
use assume::Choices;
use dlc_ir::{Attrs, Dim, Fact, Graph, Tensor, Value};
use env::Env;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Deepest nesting of subgraphs and functions.
const MAX_DEPTH: usize = 48;
/// Most ways of choosing branches that are tried.
const MAX_ATTEMPTS: usize = 64;

/// What all graphs of a model share.
pub struct Importer<'m> {
    functions: BTreeMap<(&'m str, &'m str, &'m str), &'m FunctionProto>,
    names: Names,
    external: External,
    nodes_left: usize,
    choices: Choices,
    assumptions: Vec<Assumption>,
}

/// The graph being built, and what its names mean.
struct Frame<'f> {
    graph: &'f mut Graph,
    env: Env<'f>,
    opsets: &'f Opsets,
    depth: usize,
    /// Whether the graph runs for every input.
    always: bool,
}

/// The graph of a model, and what it takes for granted. Of the ways of choosing that give a graph, the first is taken that
/// gives outputs of the declared ranks; where none does, the first.
pub fn import(m: &ModelProto, folder: Option<&Path>, opts: &LoadOptions) -> Result<(Graph, Vec<Assumption>)> {
    let g = m.graph.as_ref().ok_or_else(|| Error::graph("", "the model has no graph"))?;
    let opsets = Opsets::new(&m.opset_import)?;
    let mut choices = Choices::default();
    let (mut first, mut other) = (None, None);
    let mut nodes = opts.nodes;
    for _ in 0..MAX_ATTEMPTS {
        let mut importer = Importer::new(m, folder, choices, nodes);
        match importer.top(g, &opsets, opts) {
            Ok(graph) if as_declared(g, &graph) => return Ok((graph, importer.assumptions)),
            Ok(graph) => other = other.or(Some((graph, importer.assumptions))),
            Err(e) => first = first.or(Some(e)),
        }
        nodes = importer.nodes_left;
        match importer.choices.after_failure() {
            Some(next) => choices = next,
            None => break,
        }
    }
    other.ok_or_else(|| first.expect("an attempt has failed"))
}

/// Whether every output has the rank that is declared for it, if one is.
fn as_declared(g: &GraphProto, graph: &Graph) -> bool {
    let same = |v: &ValueInfoProto, rank| dims::declared_rank(v).is_none_or(|declared| declared == rank);
    g.output.iter().zip(graph.outputs()).all(|(v, o)| same(v, graph.fact(o.1).rank()))
}

impl<'m> Importer<'m> {
    fn new(m: &'m ModelProto, folder: Option<&Path>, choices: Choices, nodes: usize) -> Self {
        let functions = m.functions.iter().map(|f| ((opsets::plain(&f.domain), &*f.name, &*f.overload), f)).collect();
        Importer {
            functions,
            names: Names::default(),
            external: External::new(folder),
            nodes_left: nodes,
            choices,
            assumptions: vec![],
        }
    }
}

impl Importer<'_> {
    fn top(&mut self, g: &GraphProto, opsets: &Opsets, opts: &LoadOptions) -> Result<Graph> {
        let mut graph = Graph::new(&g.name);
        let mut env = Env::default();
        let constants: BTreeSet<&str> = constant_names(g).collect();
        let open = |v: &&ValueInfoProto| !constants.contains(&*v.name) && !opts.constants.contains_key(&v.name);
        let declared = g.input.iter().filter(open);
        let facts: Vec<(&str, Fact)> = declared.map(|v| Ok((&*v.name, dims::input_fact(v)?))).collect::<Result<_>>()?;
        for (name, fact) in resolve(facts, &opts.dims)? {
            if self.names.unique(name) != name {
                return Err(Error::graph(&g.name, format!("two inputs are named {name:?}")));
            }
            env.bind(name, Some(graph.add_input(name, fact)));
        }
        let mut frame = Frame { graph: &mut graph, env, opsets, depth: 0, always: true };
        for (name, t) in &opts.constants {
            check_given(g, name, t)?;
            self.constant(&mut frame, name, t.clone());
        }
        let outputs = self.body(&mut frame, g)?;
        let outputs =
            outputs.into_iter().zip(&g.output).map(|((name, v), o)| Ok((name, self.plain(&mut graph, v, o)?)));
        let outputs = outputs.collect::<Result<_>>()?;
        graph.set_outputs(outputs);
        Ok(graph)
    }

    /// What an optional holds, where an output is declared to be there.
    fn plain(&mut self, g: &mut Graph, v: Value, declared: &ValueInfoProto) -> Result<Value> {
        if !g.fact(v).form.is_optional() || declared.r#type.is_none() || dims::form(declared).is_optional() {
            return Ok(v);
        }
        let name = self.names.unique(&format!("{}/content", declared.name));
        Ok(g.apply(&name, "OptionalGetElement", Attrs::new(), &[v])?)
    }

    /// Constants and nodes of `g` into the frame, whose environment has its inputs; the outputs of `g`.
    fn body(&mut self, f: &mut Frame, g: &GraphProto) -> Result<Vec<(String, Value)>> {
        for t in &g.initializer {
            let c = tensor::read(t, &mut self.external)?;
            self.constant(f, &t.name, c);
        }
        for s in &g.sparse_initializer {
            let c = tensor::read_sparse(s, &mut self.external)?;
            self.constant(f, s.values.as_ref().map_or("", |v| &v.name), c);
        }
        self.nodes(f, &g.name, &g.node)?;
        let missing = |name: &str| Error::graph(&g.name, format!("no node gives the output {name:?}"));
        let output = |name: &String| Ok((name.clone(), f.env.value(name).ok_or_else(|| missing(name))?));
        let outputs: Vec<(String, Value)> = g.output.iter().map(|o| output(&o.name)).collect::<Result<_>>()?;
        let mut seen = BTreeSet::new();
        match outputs.iter().find(|o| !seen.insert(&*o.0)) {
            Some((name, _)) => Err(Error::graph(&g.name, format!("two outputs are named {name:?}"))),
            None => Ok(outputs),
        }
    }

    fn constant(&mut self, f: &mut Frame, name: &str, t: Tensor) {
        let v = f.graph.add_const(&self.names.unique(name), t);
        f.env.bind(name, Some(v));
    }

    /// Nodes in an order in which operands come first.
    fn nodes(&mut self, f: &mut Frame, graph: &str, nodes: &[NodeProto]) -> Result<()> {
        if f.depth > MAX_DEPTH {
            return Err(Error::graph(graph, format!("nested more than {MAX_DEPTH} deep")));
        }
        self.nodes_left = match self.nodes_left.checked_sub(nodes.len()) {
            Some(left) => left,
            None => return Err(Error::graph(graph, "functions and branches are more nodes than are allowed")),
        };
        for i in order::order(graph, nodes, &f.env)? {
            self.node(f, &nodes[i])?;
        }
        Ok(())
    }
}

/// Refuses a value for what is no input, or is one of another type or rank.
fn check_given(g: &GraphProto, name: &str, t: &Tensor) -> Result<()> {
    let Some(v) = g.input.iter().find(|v| v.name == name) else {
        let names: Vec<&str> = g.input.iter().map(|v| &*v.name).collect();
        return Err(Error::graph(&g.name, format!("{name:?} is no input, expected one of {names:?}")));
    };
    let (want, have) = (dims::input_fact(v)?, t.type_fact());
    match (want.dtype, want.rank()) == (have.dtype, have.rank()) {
        true => Ok(()),
        false => Err(Error::tensor(name, format!("value given is {have}, expected {want}"))),
    }
}

/// Names of inputs that are no constants.
pub fn open_inputs(g: &GraphProto) -> Vec<String> {
    let constants: BTreeSet<&str> = constant_names(g).collect();
    g.input.iter().map(|v| &v.name).filter(|n| !constants.contains(n.as_str())).cloned().collect()
}

fn constant_names(g: &GraphProto) -> impl Iterator<Item = &str> {
    let sparse = g.sparse_initializer.iter().filter_map(|s| s.values.as_ref());
    g.initializer.iter().chain(sparse).map(|t| &*t.name)
}

/// The facts with the sizes that the options give put in; a size given for a name that no input has is refused.
fn resolve<'a>(mut facts: Vec<(&'a str, Fact)>, given: &BTreeMap<String, i64>) -> Result<Vec<(&'a str, Fact)>> {
    let mut known = BTreeSet::new();
    for d in facts.iter().flat_map(|f| &f.1.shape) {
        d.symbols(&mut |s| {
            known.insert(s.to_string());
        });
    }
    for (name, size) in given {
        if !known.contains(name) {
            let near = dlc_ir::suggest::did_you_mean(name, known.iter().map(String::as_str));
            let expected = match known.is_empty() {
                true => "none: all sizes of the inputs are fixed".into(),
                false => format!("one of {known:?}"),
            };
            return Err(Error::graph("", format!("no size of an input is named {name:?}, expected {expected}{near}")));
        }
        if *size < 0 {
            return Err(Error::graph("", format!("size {name:?} is {size}, expected 0 or more")));
        }
    }
    let put = |d: &Dim| d.substitute(&|s| given.get(s).map(|v| (*v).into()));
    for (_, f) in &mut facts {
        f.shape = f.shape.iter().map(put).collect();
    }
    Ok(facts)
}
