//! Control flow: what is known of the results of a subgraph, and which sizes only its run decides.

use crate::form::VARIES;
use crate::graph::Kind;
use crate::{Ctx, Dim, Fact, Graph, Known, Result, Tensor, Value, bail, ensure};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Facts of the outputs of `g` when its inputs have these facts.
pub fn infer(g: &Graph, inputs: &[Fact]) -> Result<Vec<Fact>> {
    ensure!(
        g.inputs().len() == inputs.len(),
        "graph {:?} has {} inputs, expected one for each of {} operands",
        g.name,
        g.inputs().len(),
        inputs.len()
    );
    let mut g = g.clone();
    for (id, fact) in g.inputs().to_vec().into_iter().zip(inputs) {
        let old = &g.node(id).outputs[0];
        let ranks = old.rank() == fact.rank() || !old.form.is_dense();
        ensure!(
            old.dtype == fact.dtype && old.form.admits(fact.form) && ranks,
            "an operand is {fact}, expected {old} as an input of graph {:?} is",
            g.name
        );
        g.node_mut(id).outputs[0] = fact.clone();
    }
    g.infer_all()?;
    Ok(g.outputs().iter().map(|(_, v)| g.fact(*v).clone()).collect())
}

/// Names of the sizes that the facts of the operands mention; no other has a meaning outside of a subgraph.
pub struct Outer(BTreeSet<Arc<str>>);

impl Outer {
    /// The sizes of these operands.
    pub fn of(x: &[Option<&Fact>]) -> Self {
        let mut names = BTreeSet::new();
        let mut add = |d: &Dim| d.symbols(&mut |s| names.extend([s.clone()]));
        for f in x.iter().flatten() {
            f.shape.iter().for_each(&mut add);
            if let Some(Known::Dims(dims)) = &f.known {
                dims.iter().for_each(&mut add);
            }
        }
        Outer(names)
    }

    fn knows(&self, d: &Dim) -> bool {
        let mut all = true;
        d.symbols(&mut |s| all &= self.0.contains(s));
        all
    }

    /// The facts with a symbol of the node's own for every size that only the subgraph knows.
    pub fn results(&self, c: &Ctx, mut facts: Vec<Fact>) -> Vec<Fact> {
        let mut k = 0;
        for f in &mut facts {
            for d in &mut f.shape {
                if !self.knows(d) {
                    *d = if f.form.is_dense() { c.fresh(k) } else { Dim::sym(VARIES) };
                }
                k += 1;
            }
            if matches!(&f.known, Some(Known::Dims(v)) if !v.iter().all(|d| self.knows(d))) {
                f.known = None;
            }
        }
        facts
    }
}

/// A size that no operand mentions: [`Outer::results`] gives it a name.
pub fn undecided(c: &Ctx, k: usize) -> Dim {
    Dim::sym(&format!("{}#inner{k}", c.name))
}

/// What holds for a value that is either of two.
pub fn join(c: &Ctx, a: &Fact, b: &Fact) -> Result<Fact> {
    if !a.form.is_dense() || !b.form.is_dense() {
        return a.join(b);
    }
    ensure!(a.dtype == b.dtype && a.rank() == b.rank(), "the branches give {a} and {b}, expected one type and rank");
    let pairs = a.shape.iter().zip(&b.shape).enumerate();
    let shape = pairs.map(|(i, (a, b))| if a == b { a.clone() } else { undecided(c, i) });
    let known = if a.known == b.known { a.known.clone() } else { None };
    Ok(Fact { known, ..Fact::new(a.dtype, shape) })
}

/// Most times a body is inferred anew because sizes change from one iteration to the next.
const MAX_WIDENINGS: usize = 8;

/// Facts of all outputs of a body whose inputs `states.start..` get what outputs `first..` gave in the iteration before.
/// A size that changes becomes undecided.
pub fn iterate(
    c: &Ctx,
    body: &Graph,
    mut inputs: Vec<Fact>,
    states: std::ops::Range<usize>,
    first: usize,
) -> Result<Vec<Fact>> {
    let mut own: BTreeSet<Dim> = BTreeSet::new();
    for _ in 0..MAX_WIDENINGS {
        let out = infer(body, &inputs)?;
        ensure!(
            out.len() >= first + states.len(),
            "body gives {} results, expected {} or more",
            out.len(),
            first + states.len()
        );
        let mut settled = true;
        for (s, i) in states.clone().enumerate() {
            let (old, new) = (&mut inputs[i], &out[first + s]);
            if !old.form.is_dense() || !new.form.is_dense() {
                let both = old.join(new)?;
                settled &= both.same_type(old);
                *old = both;
                continue;
            }
            if old.dtype != new.dtype || old.rank() != new.rank() {
                bail!("the carried value {s} is {old} before and {new} after an iteration");
            }
            for (a, (d, n)) in old.shape.iter_mut().zip(&new.shape).enumerate() {
                if d != n && !own.contains(d) {
                    *d = undecided(c, 64 * s + a);
                    own.insert(d.clone());
                    settled = false;
                }
            }
        }
        if settled {
            let states = inputs[states].to_vec();
            let carried = out[..first].iter().cloned().chain(states.iter().map(Fact::type_only));
            return Ok(carried.chain(out[first + states.len()..].iter().cloned()).collect());
        }
    }
    bail!("the sizes of a carried value do not settle")
}

/// Tensors of one type and shape, one after another along a new axis `axis`; without any, of the shape known of them.
pub fn stack(parts: &[Tensor], fact: &Fact, axis: usize) -> Result<Tensor> {
    let Some(first) = parts.first() else {
        let mut shape: Vec<usize> = fact.shape.iter().map(|d| d.as_const().unwrap_or(0) as usize).collect();
        shape.insert(axis, 0);
        return Ok(Tensor::new(fact.dtype, &shape, []));
    };
    if let Some(odd) = parts.iter().find(|p| p.shape() != first.shape() || p.dtype() != first.dtype()) {
        bail!("a result of an iteration has shape {:?}, expected that of the first, {:?}", odd.shape(), first.shape());
    }
    let (table, parts) = crate::strings::common(&parts.iter().map(Some).collect::<Vec<_>>());
    let parts: Vec<Tensor> = parts.into_iter().flatten().collect();
    let first = &parts[0];
    let outer: usize = first.shape()[..axis].iter().product();
    let part = first.len() / outer.max(1);
    let mut shape = first.shape().to_vec();
    shape.insert(axis, parts.len());
    let data = (0..outer).flat_map(|o| parts.iter().flat_map(move |p| (0..part).map(move |i| p.at(o * part + i))));
    Ok(crate::strings::settled(Tensor::new(first.dtype(), &shape, data), &table))
}

/// Puts the nodes of `body` into `g`, names prefixed, its inputs replaced by `inputs`; gives the values of its outputs.
pub fn splice(g: &mut Graph, body: &Graph, inputs: &[Value], prefix: &str) -> Result<Vec<Value>> {
    let mut to: HashMap<Value, Value> = HashMap::new();
    for (id, v) in body.inputs().iter().zip(inputs) {
        to.insert(Value { node: *id, port: 0 }, *v);
    }
    for id in body.topo()? {
        let node = body.node(id);
        let name = format!("{prefix}{}", node.name);
        let new = match &node.kind {
            Kind::Input => continue,
            Kind::Const(t) => g.add_const(&name, t.clone()).node,
            Kind::Op { op, attrs } => {
                let x: Vec<Option<Value>> = body.operands(id).into_iter().map(|v| v.map(|v| to[&v])).collect();
                g.add_op(&name, *op, attrs.clone(), &x, node.outputs.len())?
            }
        };
        for port in 0..node.outputs.len() as u32 {
            to.insert(Value { node: id, port }, Value { node: new, port });
        }
    }
    Ok(body.outputs().iter().map(|(_, v)| to[v]).collect())
}
