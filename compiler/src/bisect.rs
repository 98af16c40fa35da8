//! Finds the stage that changed a result, and within the search the rule.

use crate::stages::{STAGES, Work, search};
use crate::{Difference, Error, Options, Result};
use dlc_egraph::Report;
use dlc_ir::{Graph, Tensor, interp};
use std::ops::ControlFlow;

/// What the graph after one stage computes, compared with what the imported graph computes.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Name of the stage.
    pub stage: &'static str,
    /// The output that is farthest, by name, and how far.
    pub worst: Option<(String, Difference)>,
    /// Why the outputs are not comparable, or what failed.
    pub broken: Option<String>,
    /// The rule whose application changed a result, where the stage has rules and changed one.
    pub rule: Option<String>,
}

impl Finding {
    /// Whether every output is as it was.
    pub fn good(&self, tolerance: f64) -> bool {
        self.broken.is_none() && self.worst.as_ref().is_none_or(|w| w.1.rel_l2 <= tolerance)
    }
}

/// Interprets the graph after each stage and stops at the first that changes a result by more than `tolerance`
/// (relative L2; integers must be equal). The last finding is that stage's, if there is one.
pub fn stages(
    graph: &Graph,
    inputs: &[Tensor],
    options: &Options,
    tolerance: f64,
    seen: &mut dyn FnMut(&Finding) -> ControlFlow<()>,
) -> Result<Vec<Finding>> {
    let expected = interp::run(graph, inputs).map_err(|e| Error::stage("import", e))?;
    let mut graph = graph.clone();
    let mut findings = vec![];
    for stage in STAGES {
        let Work::Graph(run) = stage.work else { continue };
        let before = graph.clone();
        let found = match run(&mut graph, options) {
            Ok(()) => interp::run(&graph, inputs).map_err(|e| e.to_string()),
            Err(e) => return Err(Error::stage(stage.name, e)),
        };
        let mut finding = judge(stage.name, &graph, &expected, found);
        if stage.name == "saturate" && !finding.good(tolerance) {
            finding.rule = rule(&before, options, &mut |g| {
                let found = interp::run(g, inputs).map_err(|e| e.to_string());
                judge(stage.name, g, &expected, found).good(tolerance)
            })?;
        }
        let stop = seen(&finding).is_break();
        let good = finding.good(tolerance);
        findings.push(finding);
        match (stop, good) {
            (true, _) => return Err(Error::Cancelled),
            (_, false) => break,
            _ => {}
        }
    }
    Ok(findings)
}

/// The rule whose application makes `good` false: bisects over how many applications the search may make, of which the
/// first are always the same. `None` when the search without any is bad already.
fn rule(before: &Graph, options: &Options, good: &mut dyn FnMut(&Graph) -> bool) -> Result<Option<String>> {
    let mut with = |first: usize| -> Result<(bool, Report)> {
        let mut graph = before.clone();
        let limited = dlc_egraph::Options { first, ..options.saturation.clone() };
        let report = search(&mut graph, &limited).map_err(|e| Error::stage("saturate", e))?;
        Ok((good(&graph), report))
    };
    let (mut most, mut least) = (with(usize::MAX)?.1.applications(), 0);
    if !with(0)?.0 {
        return Ok(None);
    }
    while most - least > 1 {
        let middle = least + (most - least) / 2;
        match with(middle)?.0 {
            true => least = middle,
            false => most = middle,
        }
    }
    let (without, with) = (with(least)?.1.applied, with(most)?.1.applied);
    Ok(with.iter().find(|(name, n)| without.get(*name) != Some(n)).map(|(name, _)| name.to_string()))
}

fn judge(stage: &'static str, graph: &Graph, expected: &[Tensor], found: Result<Vec<Tensor>, String>) -> Finding {
    let mut finding = Finding { stage, worst: None, broken: None, rule: None };
    let found = match found {
        Ok(found) => found,
        Err(e) => return Finding { broken: Some(e), ..finding },
    };
    for ((e, f), (name, _)) in expected.iter().zip(&found).zip(graph.outputs()) {
        match distance(e, f) {
            Ok(d) if finding.worst.as_ref().is_none_or(|w| d.rel_l2 > w.1.rel_l2) => {
                finding.worst = Some((name.clone(), d));
            }
            Ok(_) => {}
            Err(what) => finding.broken = Some(format!("output {name:?}: {what}")),
        }
    }
    finding
}

/// The distance, where integers that differ at all are infinitely far.
fn distance(expected: &Tensor, found: &Tensor) -> Result<Difference, String> {
    let d = Difference::of(expected, found)?;
    match expected.dtype().is_float() || d.unequal == 0 {
        true => Ok(d),
        false => Ok(Difference { rel_l2: f64::INFINITY, ..d }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NET: &str = "graph net {\n  input x: f32[2,3]\n  one = const f32[] {1.0}\n  two = const f32[] {2.0}\n  \
        a = Mul(x, one): f32[2,3]\n  b = Transpose(a) {perm=[1,0]}: f32[3,2]\n  \
        c = Transpose(b) {perm=[1,0]}: f32[2,3]\n  d = Add(c, two): f32[2,3]\n  output y = d\n}\n";

    #[test]
    fn a_good_pipeline_has_no_culprit() {
        let g = dlc_ir::text::parse(NET).unwrap();
        let x = [crate::random::random(dlc_ir::DType::F32, &[2, 3], 1)];
        let mut go = |_: &Finding| ControlFlow::Continue(());
        let findings = stages(&g, &x, &Options::default(), 1e-6, &mut go).unwrap();
        assert!(findings.iter().all(|f| f.good(1e-6)), "{findings:?}");
        let passes = STAGES.iter().filter(|s| matches!(s.work, Work::Graph(_))).count();
        assert_eq!(findings.len(), passes);
    }

    #[test]
    fn the_rule_that_changes_what_is_asked_for_is_named() {
        let g = dlc_ir::text::parse(NET).unwrap();
        let transposes = |g: &Graph| g.nodes().filter(|id| g.node(*id).op_name() == "Transpose").count();
        let named = rule(&g, &Options::default(), &mut |g| transposes(g) == 2).unwrap().unwrap();
        assert!(dlc_egraph::RULES.iter().any(|r| r.name == named && r.lhs.contains("Transpose")), "{named}");
    }
}
