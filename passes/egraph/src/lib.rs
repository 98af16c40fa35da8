//! Equality saturation over graphs: one search over all ways to write a graph that rules know, and the cheapest taken.
//!
//! * [`rule`], [`pattern`], [`rules`]: laws as text. [`conditions`], [`functions`]: the names they may use.
//! * [`term`], [`analysis`]: the language, and what is known of its classes, by the operators' own `infer`.
//! * [`search`], [`price`], [`extract`]: saturation with limits, prices, the choice.
//! * [`check`](mod@check): tests a rule by the meaning of its operators.
//!
//! Rules here are exact: they hold for real numbers, and change results by rounding at most.

pub mod analysis;
mod build;
pub mod check;
pub mod conditions;
pub mod extract;
pub mod functions;
pub mod pattern;
pub mod price;
pub mod rule;
pub mod rules;
pub mod search;
pub mod term;
mod window;
mod write;

pub use extract::Extract;
pub use price::{Price, Traffic};
pub use rule::{Rule, directed, rule};
pub use rules::RULES;
pub use search::{Limits, Report};

use dlc_ir::graph::Kind;
use dlc_ir::{Attr, Error, Graph, NodeId, Result};
use rule::Law;
use search::Budget;
use std::sync::Arc;
use std::time::Instant;

/// How to search.
#[derive(Clone, Debug)]
pub struct Options {
    /// When to stop.
    pub limits: Limits,
    /// How terms are chosen.
    pub extract: Extract,
    /// Only the rules with these names; all when absent.
    pub allow: Option<Vec<String>>,
    /// Only the first so many rule applications: bisecting over it finds the one that changes a result.
    pub first: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options { limits: Limits::default(), extract: Extract::Greedy, allow: None, first: usize::MAX }
    }
}

/// Rewrites the graph, and the bodies in it, to the cheapest form that the rules find. The same graph, rules, options
/// and prices always give the same result. Errors: a rule that does not compile.
pub fn saturate(g: &mut Graph, rules: &[Rule], opts: &Options, price: &dyn Price) -> Result<Report> {
    let allowed = |r: &&Rule| opts.allow.as_ref().is_none_or(|a| a.iter().any(|n| n == r.name));
    let laws: std::result::Result<Vec<Law>, String> = rules.iter().filter(allowed).map(Rule::compile).collect();
    let laws = laws.map_err(Error::Op)?;
    let mut budget = Budget { applications: opts.first, deadline: Instant::now() + opts.limits.time };
    let mut report = Report::default();
    graph(g, &laws, opts, price, &mut budget, &mut report)?;
    Ok(report)
}

fn graph(g: &mut Graph, laws: &[Law], o: &Options, price: &dyn Price, b: &mut Budget, r: &mut Report) -> Result<()> {
    bodies(g, &mut |body| graph(body, laws, o, price, b, r))?;
    for window in window::windows(g, o.limits.window)? {
        let mut built = build::build(g, &window);
        if built.origins.is_empty() {
            continue;
        }
        search::saturate(&mut built.terms, laws, &o.limits, b, r);
        let roots: Vec<egg::Id> = built.roots.iter().map(|v| built.classes[v]).collect();
        let original = built.original_terms();
        let choice = extract::extract(&built.terms, &roots, o.extract, price, &|t| original.contains(t));
        r.changed += write::write(g, &built, &choice)?;
    }
    g.infer_all()
}

/// Runs `f` on every graph in the attributes of the nodes of `g`.
fn bodies(g: &mut Graph, f: &mut dyn FnMut(&mut Graph) -> Result<()>) -> Result<()> {
    for id in g.nodes().collect::<Vec<NodeId>>() {
        let Kind::Op { attrs, .. } = &g.node(id).kind else { continue };
        let found: Vec<(String, Arc<Graph>)> = attrs
            .iter()
            .filter_map(|(n, a)| if let Attr::Graph(b) = a { Some((n.clone(), b.clone())) } else { None })
            .collect();
        for (name, body) in found {
            let mut body = Arc::unwrap_or_clone(body);
            f(&mut body)?;
            if let Kind::Op { attrs, .. } = &mut g.node_mut(id).kind {
                attrs.set(&name, body);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
