//! Nodes of a graph to an e-graph.

use crate::analysis::{Data, Facts, Info, Terms, has_symbol_of};
use crate::term::{Term, op_index, takes_attrs};
use dlc_ir::{Graph, NodeId, Value, verify};
use egg::{Id, Language};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Operators whose results are not decided by their operands: equal terms would be made equal.
const RANDOM: &[&str] =
    &["Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Dropout"];

/// An e-graph of a window of a graph, and how they correspond.
pub struct Built {
    /// The e-graph.
    pub terms: Terms,
    /// The value behind each leaf, by its number.
    pub leaves: Vec<Value>,
    /// The class of every value of the window that is a term.
    pub classes: BTreeMap<Value, Id>,
    /// Every node of the window that is a term, in order, with its term.
    pub origins: Vec<(NodeId, Term)>,
    /// Values of the window that are read outside of it or by what is no term.
    pub roots: Vec<Value>,
}

/// Puts `window`, nodes in topological order, into an e-graph.
pub fn build(g: &Graph, window: &[NodeId]) -> Built {
    let terms = Terms::new(Facts::default());
    let mut b = Built { terms, leaves: vec![], classes: BTreeMap::new(), origins: vec![], roots: vec![] };
    let mut outer = BTreeMap::new();
    for id in window.iter().filter(|id| !is_opaque(g, **id)) {
        b.add(g, *id, &mut outer);
    }
    let inside: BTreeSet<NodeId> = b.origins.iter().map(|o| o.0).collect();
    let is_root = |v: &Value| g.is_output(*v) || g.users(*v).iter().any(|(user, _)| !inside.contains(user));
    b.roots = b.classes.keys().copied().filter(is_root).collect();
    b
}

/// Whether the language does not look into a node: inputs, constants, bodies, randomness, quantization, what is
/// no tensor, and sizes that only the data decides.
pub fn is_opaque(g: &Graph, id: NodeId) -> bool {
    let node = g.node(id);
    let Some((op, _)) = node.op() else { return true };
    let data_decides = node.outputs.iter().flat_map(|f| &f.shape).any(|d| has_symbol_of(d, &node.name));
    let forms = g.operand_facts(id).into_iter().flatten().chain(&node.outputs).any(|f| !f.form.is_dense());
    data_decides
        || forms
        || RANDOM.contains(&op.name())
        || node.outputs.iter().any(|f| f.quant.is_some())
        || verify::subgraphs(node).next().is_some()
}

impl Built {
    fn add(&mut self, g: &Graph, id: NodeId, outer: &mut BTreeMap<Value, Id>) {
        let node = g.node(id);
        let Some((op, attrs)) = node.op() else { return };
        let Some(index) = op_index(op) else { return };
        let mut children = vec![];
        if takes_attrs(op) {
            children.push(self.terms.add(Term::Attrs(attrs.clone())));
        }
        let mut operands = g.operands(id);
        while operands.last() == Some(&None) && operands.len() > op.operands().min {
            operands.pop();
        }
        for v in operands {
            children.push(match v {
                Some(v) => self.value(g, v, outer),
                None => self.terms.add(Term::Nil),
            });
        }
        let n = node.outputs.len();
        let term = Term::Op(index, n, children.into());
        let class = self.terms.add(term.clone());
        self.origins.push((id, term));
        for port in 0..n as u32 {
            let value = if n == 1 { class } else { self.terms.add(Term::Proj(port, class)) };
            self.classes.insert(Value { node: id, port }, value);
        }
    }

    fn value(&mut self, g: &Graph, v: Value, outer: &mut BTreeMap<Value, Id>) -> Id {
        if let Some(id) = self.classes.get(&v).or(outer.get(&v)) {
            return *id;
        }
        let info = Info { fact: g.fact(v).clone(), constant: g.constant(v).is_some() };
        let leaf = Term::Leaf(self.leaves.len() as u32);
        self.terms.analysis.leaves.push(info);
        self.leaves.push(v);
        let id = self.terms.add(leaf);
        outer.insert(v, id);
        id
    }

    /// The terms of the graph as it is, in terms of classes as they are now.
    pub fn original_terms(&self) -> HashSet<Term> {
        self.origins.iter().map(|(_, t)| t.clone().map_children(|c| self.terms.find(c))).collect()
    }

    /// What is known of a class.
    pub fn data(&self, id: Id) -> &Data {
        &self.terms[id].data
    }
}
