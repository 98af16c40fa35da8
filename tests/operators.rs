//! The page of operators says what is so.

use dlc_compiler::operators::{self, Support};
use dlc_ir::OpRef;
use dlc_tests::cache;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Threads that try operators.
const THREADS: usize = 4;
/// One operator of so many is tried; all of them take minutes.
const EACH: usize = 20;

/// What is supported of operators, in order.
fn tried(of: &[OpRef]) -> Vec<Support> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = vec![];
        while let Some(op) = of.get(next.fetch_add(1, Ordering::Relaxed)) {
            found.push(operators::of(*op));
        }
        found
    };
    let mut found: Vec<Support> = std::thread::scope(|s| {
        let threads: Vec<_> = (0..THREADS).map(|_| s.spawn(work)).collect();
        threads.into_iter().flat_map(|t| t.join().expect("no operator panics")).collect()
    });
    found.sort_by_key(|s| of.iter().position(|op| op.full_name() == s.name));
    found
}

/// Names of the operators of a page, in order.
fn names(page: &str) -> Vec<String> {
    let table = page.strip_prefix(&*operators::head()).and_then(|p| p.strip_suffix(&*operators::tail()));
    let table = table.expect("docs/operators.md begins and ends as `dlc operators --page` does");
    let name = |l: &str| l.split('|').nth(1).map(|n| n.trim().to_string()).filter(|n| !n.is_empty());
    table.lines().filter_map(name).collect()
}

/// `DLC_BLESS=1` rewrites the page; `DLC_OPERATORS=all` tries every operator.
#[test]
fn the_page_of_operators_is_current() {
    let path = cache::source("../docs/operators.md");
    let all = operators::operators();
    if std::env::var_os("DLC_BLESS").is_some() {
        std::fs::write(&path, operators::page(&tried(&all))).expect("the page can be written");
    }
    let page = std::fs::read_to_string(&path).expect("the page is there");
    let listed: Vec<String> = all.iter().map(OpRef::full_name).collect();
    assert_eq!(names(&page), listed, "docs/operators.md has other operators (DLC_BLESS=1 rewrites it)");
    let each = if std::env::var_os("DLC_OPERATORS").is_some() { 1 } else { EACH };
    let some: Vec<OpRef> = all.into_iter().step_by(each).collect();
    for s in tried(&some) {
        let rows = operators::rows(&s);
        assert!(page.contains(&rows), "docs/operators.md is not current (DLC_BLESS=1 rewrites it), now it is\n{rows}");
    }
}
