//! Local search: one term exchanged at a time, kept when the whole becomes cheaper.

use super::{Chosen, NONE, Problem};

/// Passes over all classes.
const PASSES: usize = 2;
/// Exchanges tried; each looks at the whole choice, so that large graphs are not searched for long.
const STEPS: usize = 20_000_000;

/// Tries the other terms of every class in use.
pub fn improve(p: &Problem, mut chosen: Chosen) -> Chosen {
    let Some(mut best) = p.total(&chosen) else { return chosen };
    let mut left = STEPS;
    for _ in 0..PASSES {
        let before = best;
        for class in p.needed(&chosen).into_iter().rev() {
            for candidate in 0..p.nodes[class].len() {
                let old = chosen[class];
                if candidate == old || !usable(p, class, candidate, &chosen) || left < p.ids.len() {
                    continue;
                }
                left -= p.ids.len();
                chosen[class] = candidate;
                match p.total(&chosen) {
                    Some(t) if t < best => best = t,
                    _ => chosen[class] = old,
                }
            }
        }
        if best >= before {
            break;
        }
    }
    chosen
}

fn usable(p: &Problem, class: usize, candidate: usize, chosen: &Chosen) -> bool {
    let node = &p.nodes[class][candidate];
    node.price.is_finite() && node.children.iter().all(|c| chosen[*c] != NONE)
}
