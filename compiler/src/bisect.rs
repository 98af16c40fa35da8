//! Finds the stage that changed a result.

use crate::stages::{STAGES, Work};
use crate::{Difference, Error, Options, Result};
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
        let found = match run(&mut graph, options) {
            Ok(()) => interp::run(&graph, inputs).map_err(|e| e.to_string()),
            Err(e) => return Err(Error::stage(stage.name, e)),
        };
        let finding = judge(stage.name, &graph, &expected, found);
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

fn judge(stage: &'static str, graph: &Graph, expected: &[Tensor], found: Result<Vec<Tensor>, String>) -> Finding {
    let mut finding = Finding { stage, worst: None, broken: None };
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
