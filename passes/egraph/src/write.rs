//! Chosen terms back to the graph.

use crate::build::Built;
use crate::extract::Choice;
use crate::term::{Term, takes_attrs};
use dlc_ir::{Attrs, Error, Graph, NodeId, OpRef, Result, Value, ops};
use egg::{Id, Language};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Makes the graph compute the chosen terms. A term that a node already computes keeps the node; a new one takes the
/// name of a node that gave the same value, or else one from who reads it. Returns how many nodes were added, changed, removed.
pub fn write(g: &mut Graph, b: &Built, choice: &Choice) -> Result<usize> {
    let mut w = Writer {
        b,
        names: BTreeMap::new(),
        unnamed: vec![],
        values: BTreeMap::new(),
        tuples: BTreeMap::new(),
        changed: 0,
    };
    let origins = w.origins();
    for class in order(b, choice) {
        w.class(g, class, &choice[&class], &origins)?;
    }
    for root in &b.roots {
        let new = w.values.get(&b.terms.find(b.classes[root])).copied();
        let new = new.ok_or_else(|| Error::op(format!("no term was chosen for {:?}", g.node(root.node).name)))?;
        if new != *root {
            g.replace(*root, new);
            w.changed += 1;
        }
    }
    w.changed += sweep(g, b);
    w.rename(g);
    Ok(w.changed)
}

/// Chosen classes after those their terms need.
fn order(b: &Built, choice: &Choice) -> Vec<Id> {
    let (mut seen, mut out) = (BTreeSet::new(), vec![]);
    for root in &b.roots {
        let mut stack = vec![(b.terms.find(b.classes[root]), false)];
        while let Some((id, done)) = stack.pop() {
            if done {
                out.push(id);
            } else if seen.insert(id) {
                stack.push((id, true));
                let children = choice.get(&id).map_or(&[][..], |t| t.children());
                stack.extend(children.iter().rev().map(|c| (b.terms.find(*c), false)));
            }
        }
    }
    out
}

struct Writer<'a> {
    b: &'a Built,
    /// Names that new nodes take when those that have them are gone.
    names: BTreeMap<NodeId, (NodeId, String)>,
    /// New nodes whose value nobody gave before.
    unnamed: Vec<NodeId>,
    values: BTreeMap<Id, Value>,
    tuples: BTreeMap<Id, NodeId>,
    changed: usize,
}

impl Writer<'_> {
    /// The first node that computes each term.
    fn origins(&self) -> HashMap<Term, NodeId> {
        let mut out = HashMap::new();
        for (id, t) in &self.b.origins {
            let t = t.clone().map_children(|c| self.b.terms.find(c));
            out.entry(t).or_insert(*id);
        }
        out
    }

    fn class(&mut self, g: &mut Graph, class: Id, t: &Term, origins: &HashMap<Term, NodeId>) -> Result<()> {
        let v = match t {
            Term::Leaf(k) => self.b.leaves[*k as usize],
            Term::Const(t) => {
                self.changed += 1;
                let v = g.add_const(&g.fresh_name("constant"), t.clone());
                self.unnamed.push(v.node);
                v
            }
            Term::Proj(port, c) => Value { node: self.tuples[&self.b.terms.find(*c)], port: *port },
            Term::Op(op, results, _) => {
                let node = self.op(g, class, OpRef(ops::OPS[*op]), *results, t, origins)?;
                self.tuples.insert(class, node);
                Value { node, port: 0 }
            }
            Term::Attrs(_) | Term::Nil | Term::Fun(..) => return Ok(()),
        };
        self.values.insert(class, v);
        Ok(())
    }

    fn op(
        &mut self,
        g: &mut Graph,
        class: Id,
        op: OpRef,
        results: usize,
        t: &Term,
        origins: &HashMap<Term, NodeId>,
    ) -> Result<NodeId> {
        let children: Vec<Id> = t.children().iter().map(|c| self.b.terms.find(*c)).collect();
        let x: Vec<Option<Value>> =
            children[takes_attrs(op) as usize..].iter().map(|c| self.values.get(c).copied()).collect();
        if let Some(id) = origins.get(&t.clone().map_children(|c| self.b.terms.find(c))) {
            self.rewire(g, *id, &x)?;
            return Ok(*id);
        }
        let attrs = match takes_attrs(op) {
            true => self.b.data(children[0]).attrs().cloned().unwrap_or_else(Attrs::new),
            false => Attrs::new(),
        };
        self.changed += 1;
        let node = g.add_op(&g.fresh_name(op.name()), op, attrs, &x, results)?;
        match self.same_value(class) {
            Some(old) => drop(self.names.insert(node, (old, g.node(old).name.clone()))),
            None => self.unnamed.push(node),
        }
        Ok(node)
    }

    /// A node of the graph that gives what the class is.
    fn same_value(&self, class: Id) -> Option<NodeId> {
        let gives = |id: &NodeId| {
            let v = Value { node: *id, port: 0 };
            self.b.classes.get(&v).is_some_and(|c| self.b.terms.find(*c) == class)
        };
        self.b.origins.iter().map(|o| o.0).find(gives)
    }

    /// Makes a node read what was chosen for its operands.
    fn rewire(&mut self, g: &mut Graph, id: NodeId, x: &[Option<Value>]) -> Result<()> {
        let mut changed = false;
        for (slot, (old, new)) in g.operands(id).into_iter().zip(x).enumerate() {
            if old != *new {
                g.set_operand(id, slot, *new);
                changed = true;
            }
        }
        self.changed += changed as usize;
        if changed { g.infer_node(id) } else { Ok(()) }
    }

    fn rename(&self, g: &mut Graph) {
        let alive: BTreeSet<NodeId> = g.nodes().collect();
        for (node, (old, name)) in &self.names {
            if alive.contains(node) && !alive.contains(old) && g.fresh_name(name) == *name {
                g.node_mut(*node).name = name.clone();
            }
        }
        self.name_after_readers(g);
    }

    /// `reader.Op`: a new node is named after the node with a name of its own that reads it, directly or not.
    fn name_after_readers(&self, g: &mut Graph) {
        let mut bases: BTreeMap<NodeId, String> = BTreeMap::new();
        // Readers were added after what they read.
        for id in self.unnamed.iter().rev() {
            let Some((reader, _)) = g.users(Value { node: *id, port: 0 }).first().copied() else { continue };
            let base = bases.get(&reader).unwrap_or(&g.node(reader).name).clone();
            let kind = g.node(*id).op().map_or("constant", |(op, _)| op.0.name());
            g.node_mut(*id).name = g.fresh_name(&format!("{base}.{kind}"));
            bases.insert(*id, base);
        }
    }
}

/// Removes nodes of the window that nothing reads any more.
fn sweep(g: &mut Graph, b: &Built) -> usize {
    let mut removed = 0;
    for (id, _) in b.origins.iter().rev() {
        let unread = |port: u32| {
            let v = Value { node: *id, port };
            g.users(v).is_empty() && !g.is_output(v)
        };
        if (0..g.node(*id).outputs.len() as u32).all(unread) {
            g.remove(*id);
            removed += 1;
        }
    }
    removed
}
