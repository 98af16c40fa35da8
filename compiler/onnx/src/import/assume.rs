//! What is chosen at import, because sizes decide the rank of what follows.
//!
//! Exporters write `if size == 1 { squeeze(x) } else { x }`, of which only one branch fits what comes after. The importer
//! takes the first branch and, when the rest of the model does not accept it, the other. What it took for granted is
//! recorded, so that a program can check it. A `Squeeze` that does not say of which axes is treated likewise.

use dlc_ir::{Dim, Graph, Value};

/// What the graph takes for granted of the sizes of its inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assumption {
    /// The node that is resolved by it.
    pub node: String,
    /// One size.
    pub left: Dim,
    /// Another size.
    pub right: Dim,
    /// Whether the two are equal, or are not.
    pub equal: bool,
    /// Whether it is needed for every input; otherwise only where the subgraph that the node is in runs.
    pub always: bool,
}

impl std::fmt::Display for Assumption {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let relation = if self.equal { "==" } else { "!=" };
        write!(f, "node {:?} assumes that {} {relation} {}", self.node, self.left, self.right)
    }
}

/// Two sizes and whether a condition says that they are equal (or, if false, that they are not).
pub struct Sizes(pub Dim, pub Dim, pub bool);

/// What a condition says of sizes, if that is all it depends on.
pub fn sizes(g: &Graph, cond: Value) -> Option<Sizes> {
    let (op, _) = g.node(cond.node).op()?;
    let x = g.operands(cond.node);
    let operand = |i: usize| x.get(i).copied().flatten();
    let size = |i: usize| match g.fact(operand(i)?).as_dims()?.as_slice() {
        [d] => Some(d.clone()),
        _ => None,
    };
    match op.name() {
        "Equal" => Some(Sizes(size(0)?, size(1)?, true)),
        "Not" => sizes(g, operand(0)?).map(|Sizes(a, b, equal)| Sizes(a, b, !equal)),
        "Identity" | "Squeeze" | "Unsqueeze" | "Reshape" => sizes(g, operand(0)?),
        _ => None,
    }
}

/// Whether a size follows from those of the inputs and may turn out to be 1. Nothing is assumed of a size that only the
/// data decides (its symbol is a fresh one of a node): what is taken for granted must be checked before the graph runs.
pub fn may_be_one(d: &Dim) -> bool {
    let mut given = true;
    d.symbols(&mut |s| given &= !s.contains('#'));
    d.as_const().is_none() && !d.at_least(2) && given
}

/// Which branches are taken, in the order in which the choices come up: a path through a tree.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    taken: Vec<bool>,
    used: usize,
}

impl Choices {
    /// The next choice; the first branch where no path is given.
    pub fn next(&mut self) -> bool {
        if self.used == self.taken.len() {
            self.taken.push(true);
        }
        self.used += 1;
        self.taken[self.used - 1]
    }

    /// The path to try after this one has failed, if any is left.
    pub fn after_failure(mut self) -> Option<Self> {
        self.taken.truncate(self.used);
        while !self.taken.pop()? {}
        self.taken.push(false);
        Some(Choices { taken: self.taken, used: 0 })
    }
}

#[test]
fn every_path_is_tried_once() {
    let (mut path, mut seen) = (Choices::default(), vec![]);
    loop {
        seen.push((path.next(), path.next()));
        match path.after_failure() {
            Some(p) => path = p,
            None => break,
        }
    }
    assert_eq!(seen, [(true, true), (true, false), (false, true), (false, false)]);
}
