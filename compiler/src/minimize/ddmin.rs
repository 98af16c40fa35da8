//! Delta debugging. Zeller and Hildebrandt: Simplifying and Isolating Failure-Inducing Input (2002), algorithm ddmin.

use std::ops::ControlFlow;

/// A set of the numbers below `n` of which `fails` holds, and of which no number can be left out; all of them if `fails`
/// holds of no smaller set. It is never asked about the empty set. `Break` stops the search: the set is then the smallest
/// that was found.
pub fn ddmin(n: usize, fails: &mut dyn FnMut(&[usize]) -> ControlFlow<(), bool>) -> (Vec<usize>, ControlFlow<()>) {
    let mut set: Vec<usize> = (0..n).collect();
    let mut parts = 2;
    while set.len() > 1 {
        match smaller(&set, parts.min(set.len()), fails) {
            ControlFlow::Break(()) => return (set, ControlFlow::Break(())),
            ControlFlow::Continue(Some((found, whole))) => {
                set = found;
                parts = if whole { 2 } else { (parts - 1).max(2) };
            }
            ControlFlow::Continue(None) if parts >= set.len() => break,
            ControlFlow::Continue(None) => parts *= 2,
        }
    }
    (set, ControlFlow::Continue(()))
}

/// One of the parts, or all but one of them; whether it is a part.
fn smaller(
    set: &[usize],
    parts: usize,
    fails: &mut dyn FnMut(&[usize]) -> ControlFlow<(), bool>,
) -> ControlFlow<(), Option<(Vec<usize>, bool)>> {
    let bounds: Vec<usize> = (0..=parts).map(|i| i * set.len() / parts).collect();
    let halves = bounds.windows(2).map(|b| (set[b[0]..b[1]].to_vec(), true));
    let others = bounds.windows(2).map(|b| ([&set[..b[0]], &set[b[1]..]].concat(), false));
    for (candidate, whole) in halves.chain(others.filter(|_| parts > 2)) {
        if fails(&candidate)? {
            return ControlFlow::Continue(Some((candidate, whole)));
        }
    }
    ControlFlow::Continue(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_is_found_and_nothing_else() {
        for wanted in [vec![0], vec![17], vec![3, 60], vec![0, 31, 63], (10..20).collect()] {
            let mut asked = 0;
            let (found, end) = ddmin(64, &mut |set| {
                asked += 1;
                ControlFlow::Continue(wanted.iter().all(|w| set.contains(w)))
            });
            assert_eq!((found, end), (wanted, ControlFlow::Continue(())));
            assert!(asked < 300, "{asked} sets were asked about");
        }
    }

    #[test]
    fn a_search_that_is_stopped_gives_what_it_has() {
        let mut left = 3;
        let (found, end) = ddmin(64, &mut |set| {
            left -= 1;
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(set.contains(&0)) }
        });
        assert_eq!((found.len(), end), (16, ControlFlow::Break(())));
    }
}
