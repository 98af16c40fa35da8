//! The smallest part of a model that is refused in the same way, found on the messages of the file.
//!
//! The nodes up to the first that is refused are found by halving. All before it can be read, so that what they give is
//! known: it becomes an input or a constant of a model of that one node. Then all that can go is taken away.

use crate::export::{tensor_message, type_message};
use crate::external::External;
use crate::import::used;
use crate::proto::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};
use crate::{LoadOptions, Model, Result, decode, load_bytes, tensor};
use bytes::Bytes;
use dlc_ir::{Graph, Value};
use prost::Message;
use std::ops::ControlFlow;
use std::path::Path;

/// Whether a model is refused as the first one was; `Break` stops the search.
pub type Same<'a> = dyn FnMut(&[u8]) -> ControlFlow<(), bool> + 'a;

/// Most elements of a constant that is kept without trying whether it may be an input.
const FEW: i64 = 8;

/// The bytes of the smallest model found that is refused in the same way, or of the whole if none is. Constants in files
/// of their own, looked for in `folder`, are part of it. `opts` are what the model is read with. Fails where the bytes
/// are no model.
pub fn minimize(bytes: Bytes, folder: Option<&Path>, opts: &LoadOptions, same: &mut Same) -> Result<Vec<u8>> {
    let mut best = decode::<ModelProto>("ModelProto", bytes)?;
    let mut external = External::new(folder);
    for t in best.graph.iter_mut().flat_map(|g| &mut g.initializer).filter(|t| t.data_location != 0) {
        // One that cannot be read may be what is refused.
        if let Ok(read) = tensor::read(t, &mut external) {
            *t = tensor_message(&t.name, &read);
        }
    }
    let mut search = Search { best, opts, same };
    let _ = search.run();
    Ok(search.best.encode_to_vec())
}

struct Search<'s, 'f> {
    best: ModelProto,
    opts: &'s LoadOptions,
    same: &'s mut Same<'f>,
}

impl Search<'_, '_> {
    fn run(&mut self) -> ControlFlow<()> {
        self.first_nodes()?;
        self.last_node()?;
        self.inputs_for_constants()?;
        self.fewer(|m| m.functions.len(), |m, i| drop(m.functions.remove(i)))?;
        self.fewer(|m| graph(m).initializer.len(), |m, i| drop(change(m).initializer.remove(i)))?;
        self.fewer(|m| graph(m).input.len(), |m, i| drop(change(m).input.remove(i)))?;
        self.fewer(|m| graph(m).output.len().saturating_sub(1), |m, i| drop(change(m).output.remove(i)))?;
        self.fewer(attributes, |m, i| {
            if let Some(n) = change(m).node.last_mut() {
                n.attribute.remove(i);
            }
        })?;
        let mut bare = ModelProto { metadata_props: vec![], ..self.best.clone() };
        change(&mut bare).value_info.clear();
        self.take(bare)?;
        ControlFlow::Continue(())
    }

    /// Makes a model the best if it is refused in the same way.
    fn take(&mut self, m: ModelProto) -> ControlFlow<(), bool> {
        let refused = (self.same)(&m.encode_to_vec())?;
        if refused {
            self.best = m;
        }
        ControlFlow::Continue(refused)
    }

    /// The fewest first nodes of which the last is refused, with its results as outputs.
    fn first_nodes(&mut self) -> ControlFlow<()> {
        let whole = self.best.clone();
        let (mut good, mut refused) = (0, graph(&whole).node.len());
        if refused == 0 || !self.take(first(&whole, refused))? {
            return ControlFlow::Continue(());
        }
        while refused - good > 1 {
            let middle = good + (refused - good) / 2;
            match self.take(first(&whole, middle))? {
                true => refused = middle,
                false => good = middle,
            }
        }
        ControlFlow::Continue(())
    }

    /// The last node alone, where all it reads can be had.
    fn last_node(&mut self) -> ControlFlow<()> {
        if let Some(alone) = alone(&self.best, self.opts) {
            self.take(alone)?;
        }
        ControlFlow::Continue(())
    }

    /// Constants as inputs.
    fn inputs_for_constants(&mut self) -> ControlFlow<()> {
        let many = |t: &TensorProto| t.dims.iter().product::<i64>() > FEW;
        let names: Vec<String> =
            graph(&self.best).initializer.iter().filter(|t| many(t)).map(|t| t.name.clone()).collect();
        for name in names {
            let mut m = self.best.clone();
            let g = change(&mut m);
            let Some(i) = g.initializer.iter().position(|t| t.name == name) else { continue };
            let Ok(t) = tensor::read(&g.initializer.remove(i), &mut External::default()) else { continue };
            g.input.retain(|v| v.name != name);
            g.input.push(ValueInfoProto { name, r#type: Some(type_message(&t.type_fact())) });
            self.take(m)?;
        }
        ControlFlow::Continue(())
    }

    /// Takes away what can go, one at a time, the last ones first.
    fn fewer(&mut self, count: fn(&ModelProto) -> usize, remove: fn(&mut ModelProto, usize)) -> ControlFlow<()> {
        for i in (0..count(&self.best)).rev() {
            let mut m = self.best.clone();
            remove(&mut m, i);
            self.take(m)?;
        }
        ControlFlow::Continue(())
    }
}

/// The graph of a model; an empty one where it has none.
fn graph(m: &ModelProto) -> &GraphProto {
    static NONE: std::sync::LazyLock<GraphProto> = std::sync::LazyLock::new(GraphProto::default);
    m.graph.as_ref().unwrap_or(&NONE)
}

fn change(m: &mut ModelProto) -> &mut GraphProto {
    m.graph.get_or_insert_default()
}

fn attributes(m: &ModelProto) -> usize {
    graph(m).node.last().map_or(0, |n| n.attribute.len())
}

/// The model of the first `n` nodes and the constants they read; the results of the last are its outputs.
fn first(m: &ModelProto, n: usize) -> ModelProto {
    let nodes = graph(m).node[..n].to_vec();
    let outputs = nodes.last().map_or(vec![], |n| n.output.clone());
    with(m, nodes, outputs)
}

/// The model with these nodes and outputs, and no constant that no node reads.
fn with(m: &ModelProto, nodes: Vec<NodeProto>, outputs: Vec<String>) -> ModelProto {
    let g = graph(m);
    let read: std::collections::HashSet<String> = nodes.iter().flat_map(used).chain(outputs.iter().cloned()).collect();
    let output = outputs.into_iter().filter(|o| !o.is_empty());
    let new = GraphProto {
        initializer: g.initializer.iter().filter(|t| read.contains(&t.name)).cloned().collect(),
        output: output.map(|name| ValueInfoProto { name, r#type: None }).collect(),
        node: nodes,
        value_info: vec![],
        ..g.clone()
    };
    ModelProto { graph: Some(new), ..m.clone() }
}

/// The model of the last node: what it reads are constants where they are known, and inputs otherwise. `None` where the
/// nodes before it cannot be read.
fn alone(m: &ModelProto, opts: &LoadOptions) -> Option<ModelProto> {
    let (last, before) = graph(m).node.split_last()?;
    let mut read = used(last);
    read.sort();
    read.dedup();
    let Model { graph: known, .. } =
        load_bytes(with(m, before.to_vec(), read).encode_to_vec().into(), None, opts).ok()?;
    let mut out = with(m, vec![last.clone()], last.output.clone());
    let g = change(&mut out);
    (g.input, g.initializer, g.sparse_initializer) = (vec![], vec![], vec![]);
    for (name, v) in known.outputs() {
        declare(g, name, &known, *v);
    }
    Some(out)
}

fn declare(g: &mut GraphProto, name: &str, known: &Graph, v: Value) {
    match known.constant(v) {
        Some(t) => g.initializer.push(tensor_message(name, t)),
        None => g.input.push(ValueInfoProto { name: name.into(), r#type: Some(type_message(known.fact(v))) }),
    }
}
