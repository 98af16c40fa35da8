//! Extraction: one term for each class that is needed, so that every chosen term is paid once.

mod greedy;
mod improve;
mod random;

use crate::analysis::{Data, Terms};
use crate::price::Price;
use crate::term::{Term, takes_attrs};
use dlc_ir::{Attrs, Fact};
use egg::{Id, Language};
use std::collections::BTreeMap;

/// How terms are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extract {
    /// The cheapest found: bottom-up, then improved one term at a time.
    #[default]
    Greedy,
    /// Any, decided by a seed: results must not depend on what is chosen.
    Random(u64),
}

/// The term chosen for each class that has one; following it never leads back.
pub type Choice = BTreeMap<Id, Term>;

/// A class by its dense number, and its terms with their prices and children by number.
pub struct Problem {
    ids: Vec<Id>,
    nodes: Vec<Vec<Candidate>>,
    roots: Vec<usize>,
}

struct Candidate {
    term: Term,
    price: f64,
    children: Vec<usize>,
}

/// Chooses terms for all classes that `roots` need. `preferred` terms win ties: those of the original graph.
pub fn extract(g: &Terms, roots: &[Id], how: Extract, price: &dyn Price, preferred: &dyn Fn(&Term) -> bool) -> Choice {
    let p = Problem::new(g, roots, price, preferred);
    let chosen = match how {
        Extract::Greedy => improve::improve(&p, greedy::choose(&p)),
        Extract::Random(seed) => random::choose(&p, seed),
    };
    let needed = p.needed(&chosen);
    needed.into_iter().map(|c| (p.ids[c], p.nodes[c][chosen[c]].term.clone())).collect()
}

/// Which candidate of each class; [`NONE`] where there is none.
pub type Chosen = Vec<usize>;

/// No candidate: the class has no term that ends in leaves.
pub const NONE: usize = usize::MAX;

impl Problem {
    fn new(g: &Terms, roots: &[Id], price: &dyn Price, preferred: &dyn Fn(&Term) -> bool) -> Self {
        let mut ids: Vec<Id> = reachable(g, roots);
        ids.sort();
        let number: BTreeMap<Id, usize> = ids.iter().enumerate().map(|(k, id)| (*id, k)).collect();
        let candidate = |t: &Term| Candidate {
            price: cost(g, t, price) * if preferred(t) { 1.0 } else { 1.0 + 1e-9 },
            children: t.children().iter().map(|c| number[&g.find(*c)]).collect(),
            term: t.clone(),
        };
        let nodes = ids.iter().map(|id| g[*id].nodes.iter().map(candidate).collect()).collect();
        let roots = roots.iter().map(|id| number[&g.find(*id)]).collect();
        Problem { ids, nodes, roots }
    }

    /// Classes needed by the roots, operands first. A class without candidate is left out.
    fn needed(&self, chosen: &Chosen) -> Vec<usize> {
        let (mut seen, mut order) = (vec![false; self.ids.len()], vec![]);
        for root in &self.roots {
            let mut stack = vec![(*root, false)];
            while let Some((c, done)) = stack.pop() {
                if done {
                    order.push(c);
                } else if !seen[c] && chosen[c] != NONE {
                    seen[c] = true;
                    stack.push((c, true));
                    stack.extend(self.nodes[c][chosen[c]].children.iter().map(|c| (*c, false)));
                }
            }
        }
        order
    }

    /// Price of all chosen terms that the roots need, each once; none if the choice leads back to itself.
    fn total(&self, chosen: &Chosen) -> Option<f64> {
        let order = self.needed(chosen);
        let mut position = vec![NONE; self.ids.len()];
        order.iter().enumerate().for_each(|(k, c)| position[*c] = k);
        let mut sum = 0.0;
        for c in &order {
            let n = &self.nodes[*c][chosen[*c]];
            if n.children.iter().any(|k| position[*k] >= position[*c]) {
                return None;
            }
            sum += n.price;
        }
        Some(sum)
    }
}

fn reachable(g: &Terms, roots: &[Id]) -> Vec<Id> {
    let mut seen = std::collections::BTreeSet::new();
    let mut todo: Vec<Id> = roots.iter().map(|id| g.find(*id)).collect();
    while let Some(id) = todo.pop() {
        if seen.insert(id) {
            todo.extend(g[id].nodes.iter().flat_map(|n| n.children()).map(|c| g.find(*c)));
        }
    }
    seen.into_iter().collect()
}

/// Price of one term. What depends on constants only is folded later and almost free, but fewer terms are better.
fn cost(g: &Terms, t: &Term, price: &dyn Price) -> f64 {
    const FOLDED: f64 = 1e-3;
    let (Some(op), Term::Op(_, _, c)) = (t.op(), t) else { return 0.0 };
    let children: Vec<&Data> = c.iter().map(|c| &g[*c].data).collect();
    let attrs = children.first().and_then(|d| d.attrs()).cloned().unwrap_or_else(Attrs::new);
    let x: Vec<Option<&Fact>> = children[takes_attrs(op) as usize..].iter().map(|d| d.fact()).collect();
    let infos = match g.lookup(t.clone()).map(|id| &g[id].data) {
        Some(Data::Tensor(i)) => vec![i.clone()],
        Some(Data::Tuple(infos)) => infos.clone(),
        _ => return f64::INFINITY,
    };
    if infos.iter().all(|i| i.constant) {
        return FOLDED;
    }
    let y: Vec<Fact> = infos.into_iter().map(|i| i.fact).collect();
    price.price(op, &attrs, &x, &y).max(FOLDED)
}
