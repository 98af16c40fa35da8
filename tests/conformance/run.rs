//! All tests by one executor.

use super::lists::{self, Pass, Results};
use super::{Case, cases, close};
use dlc_ir::{Graph, Tensor};
use dlc_tests::cache;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, Once};

/// Outputs of a graph for inputs.
pub type Executor = fn(&Graph, &[Tensor]) -> Result<Vec<Tensor>, String>;

/// An executor and what it is tried on.
pub struct Suite {
    /// Name of its lists.
    pub name: &'static str,
    /// What runs the graphs.
    pub run: Executor,
    /// Kinds of tests.
    pub kinds: &'static [&'static str],
    /// Names of tests that it is too slow for.
    pub too_slow: &'static [&'static str],
}

const THREADS: usize = 2;
const STACK: usize = 64 << 20;

/// Runs the suite and compares with its lists, or rewrites them.
pub fn check(suite: &Suite) {
    let only = std::env::var("DLC_CONFORMANCE").ok();
    let root = cache::onnx_tests();
    let mut all: Vec<Case> = suite.kinds.iter().flat_map(|k| cases(&root, k)).collect();
    all.retain(|c| !suite.too_slow.contains(&&*c.name) && only.as_ref().is_none_or(|o| c.name.contains(o)));
    let results = run_all(suite.run, &all);
    let passed = results.values().filter(|r| r.is_ok()).count();
    eprintln!("{}: {passed} of {} tests pass", suite.name, results.len());
    match (only, std::env::var_os("DLC_BLESS")) {
        (Some(_), _) => report(&results),
        (None, Some(_)) => lists::bless(suite.name, &results),
        (None, None) => lists::compare(suite.name, &results),
    }
}

fn report(results: &Results) {
    for (name, e) in results.iter().filter_map(|(n, r)| Some((n, r.as_ref().err()?))) {
        eprintln!("{name}: {e}");
    }
}

fn run_all(run: Executor, all: &[Case]) -> Results {
    let (next, results) = (Mutex::new(all.iter()), Mutex::new(Results::new()));
    let work = || {
        loop {
            let Some(case) = next.lock().expect("no test panics here").next() else { return };
            let result = guarded(|| run_case(run, case));
            results.lock().expect("no test panics here").insert(case.name.clone(), result);
        }
    };
    std::thread::scope(|s| {
        for _ in 0..THREADS {
            std::thread::Builder::new().stack_size(STACK).spawn_scoped(s, work).expect("a thread can be started");
        }
    });
    results.into_inner().expect("no test panics here")
}

/// The model as it is or, where an operator needs to know an input, with lists of integers as constants.
fn run_case(run: Executor, case: &Case) -> Result<Pass, String> {
    let refused = match case.graph() {
        Ok(g) => {
            let (close, pass): (Close, Pass) = match case.is_drawn() {
                true => (close::compare_types, Pass::Drawn),
                false => (close::compare, Pass::AsItIs),
            };
            let all = case.data()?.iter().try_for_each(|(x, y)| run_once(run, &g, x, y, close));
            return all.map(|_| pass);
        }
        Err(e) => e,
    };
    for (x, y) in &case.data().map_err(|_| refused.clone())? {
        let (g, x) = case.specialized(x).map_err(|_| refused.clone())?;
        run_once(run, &g, &x, y, close::compare)?;
    }
    Ok(Pass::ConstantInputs)
}

/// How a result is compared with the expected one.
type Close = fn(&Tensor, &Tensor) -> Result<(), String>;

fn run_once(run: Executor, g: &Graph, inputs: &[Tensor], expected: &[Tensor], close: Close) -> Result<(), String> {
    dlc_ir::verify::verify(g).map_err(|e| format!("verifier: {e}"))?;
    let outputs = run(g, inputs)?;
    if outputs.len() != expected.len() {
        return Err(format!("{} results, expected {}", outputs.len(), expected.len()));
    }
    for (i, (got, want)) in outputs.iter().zip(expected).enumerate() {
        close(got, want).map_err(|e| format!("output {i}: {e}"))?;
    }
    Ok(())
}

thread_local!(static GUARDED: Cell<bool> = const { Cell::new(false) });

/// A panic as a failure that says so.
fn guarded<T>(f: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !GUARDED.get() {
                loud(info);
            }
        }));
    });
    GUARDED.set(true);
    let result = catch_unwind(AssertUnwindSafe(f));
    GUARDED.set(false);
    result.unwrap_or_else(|p| {
        let text = p.downcast_ref::<String>().cloned().or(p.downcast_ref::<&str>().map(|s| s.to_string()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    })
}
