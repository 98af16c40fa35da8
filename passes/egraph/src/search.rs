//! Saturation: applies laws to an e-graph until nothing is new or a limit is reached.

use crate::analysis::Terms;
use crate::rule::Law;
use egg::{Id, Searcher, Subst};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// When to stop. Time is the last resort: reached, it makes results depend on the machine.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Terms that may be added to each one of the graph, beside 1,000.
    pub growth: usize,
    /// Rounds of all rules; each phase.
    pub rounds: usize,
    /// Matches of one rule applied in one round.
    pub matches: usize,
    /// Nodes of the graph searched together.
    pub window: usize,
    /// Time for the whole graph.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { growth: 8, rounds: 12, matches: 2000, window: 1000, time: Duration::from_secs(120) }
    }
}

/// What was done, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Rounds of search, over all windows.
    pub rounds: usize,
    /// Terms of the largest e-graph.
    pub terms: usize,
    /// Classes of the largest e-graph.
    pub classes: usize,
    /// How often each rule equated something new.
    pub applied: BTreeMap<&'static str, usize>,
    /// How often a rule was right but its two sides' sizes could not be shown to be equal.
    pub refused: usize,
    /// Nodes changed, added or removed.
    pub changed: usize,
    /// Whether time ran out: the result then depends on the machine.
    pub out_of_time: bool,
}

impl Report {
    /// Number of rule applications; a bound for [`Budget`].
    pub fn applications(&self) -> usize {
        self.applied.values().sum()
    }
}

/// What a search may still spend.
pub struct Budget {
    /// Rule applications left; the first N of a build are always the same.
    pub applications: usize,
    /// When to stop whatever is left.
    pub deadline: Instant,
}

/// Applies the directed laws until nothing is new, then all of them.
pub fn saturate(terms: &mut Terms, laws: &[Law], limits: &Limits, budget: &mut Budget, report: &mut Report) {
    terms.rebuild();
    let most = 1000 + limits.growth * terms.total_number_of_nodes();
    let directed: Vec<&Law> = laws.iter().filter(|l| l.directed).collect();
    let all: Vec<&Law> = laws.iter().collect();
    for phase in [directed, all] {
        for _ in 0..limits.rounds {
            let changed = round(terms, &phase, limits, budget, report);
            report.rounds += 1;
            report.out_of_time |= Instant::now() > budget.deadline;
            if !changed || terms.total_number_of_nodes() > most || report.out_of_time {
                break;
            }
        }
    }
    report.terms = report.terms.max(terms.total_number_of_nodes());
    report.classes = report.classes.max(terms.number_of_classes());
}

fn round(terms: &mut Terms, laws: &[&Law], limits: &Limits, budget: &mut Budget, report: &mut Report) -> bool {
    let mut found = vec![];
    for law in laws {
        for m in law.lhs.search_with_limit(terms, limits.matches) {
            found.extend(m.substs.into_iter().map(|s| (*law, m.eclass, s)));
        }
    }
    let mut changed = false;
    for (law, class, subst) in found {
        if budget.applications > 0 && apply(terms, law, class, &subst, report) {
            budget.applications -= 1;
            changed = true;
        }
    }
    terms.rebuild();
    changed
}

/// Makes the two sides of a match equal, if that is new, the conditions hold, and the types are shown to be the same.
fn apply(terms: &mut Terms, law: &Law, class: Id, subst: &Subst, report: &mut Report) -> bool {
    if !law.applies(terms, subst) {
        return false;
    }
    let Some(new) = law.instantiate(terms, subst) else { return false };
    let (new, class) = (terms.find(new), terms.find(class));
    if new == class {
        return false;
    }
    if !terms[new].data.agrees(&terms[class].data) {
        debug_assert!(!terms[new].data.contradicts(&terms[class].data), "rule {} changes the type", law.name);
        report.refused += 1;
        return false;
    }
    terms.union(class, new);
    *report.applied.entry(law.name).or_insert(0) += 1;
    true
}
