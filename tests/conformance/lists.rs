//! The lists of what passes and what does not.

use dlc_tests::cache;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

/// How a test passed.
#[derive(Clone, Copy, Debug)]
pub enum Pass {
    /// The model as it is.
    AsItIs,
    /// With its lists of integers (axes, shapes, paddings) known at compile time.
    ConstantInputs,
    /// In type and shape; the expected numbers are drawn from a generator that nothing names.
    Drawn,
}

/// Result of every test by name; `Err` says why not.
pub type Results = BTreeMap<String, Result<Pass, String>>;

fn path(suite: &str, list: &str) -> PathBuf {
    cache::source(&format!("conformance/{suite}-{list}.txt"))
}

/// Names in a list; what follows a tab is the reason.
fn names(suite: &str, list: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(path(suite, list)).unwrap_or_default();
    let name = |l: &str| l.split('\t').next().unwrap_or_default().to_string();
    text.lines().map(name).filter(|n| !n.is_empty()).collect()
}

/// Writes both lists.
pub fn bless(suite: &str, results: &Results) {
    let pass = results.iter().filter_map(|(n, r)| {
        Some(match r.as_ref().ok()? {
            Pass::AsItIs => format!("{n}\n"),
            Pass::ConstantInputs => format!("{n}\twith constant inputs\n"),
            Pass::Drawn => format!("{n}\ttype and shape, the numbers are drawn\n"),
        })
    });
    let fail = results.iter().filter_map(|(n, r)| Some(format!("{n}\t{}\n", reason(r.as_ref().err()?))));
    for (list, text) in [("pass", pass.collect::<String>()), ("fail", fail.collect())] {
        fs::write(path(suite, list), text).expect("the lists can be written");
    }
}

/// The first line of a reason, cut to a width that can be read.
fn reason(text: &str) -> String {
    text.lines().next().unwrap_or_default().replace('\t', " ").chars().take(160).collect()
}

/// Panics with every test whose result is not the listed one.
pub fn compare(suite: &str, results: &Results) {
    let (pass, fail) = (names(suite, "pass"), names(suite, "fail"));
    let mut wrong = vec![];
    for (name, r) in results {
        match r {
            Ok(_) if fail.contains(name) => wrong.push(format!("{name} passes but is listed as failing")),
            Err(e) if pass.contains(name) => {
                wrong.push(format!("{name} fails but is listed as passing: {}", reason(e)))
            }
            _ if !pass.contains(name) && !fail.contains(name) => wrong.push(format!("{name} is not listed")),
            _ => {}
        }
    }
    let gone = pass.union(&fail).filter(|n| !results.contains_key(*n));
    wrong.extend(gone.map(|n| format!("{n} is listed but is no test")));
    let n = wrong.len();
    assert!(n == 0, "{suite}: {n} tests are not as listed (DLC_BLESS=1 rewrites the lists)\n{}", wrong.join("\n"));
}
