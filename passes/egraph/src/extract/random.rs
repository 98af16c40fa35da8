//! Any choice that ends in leaves, decided by a seed.

use super::{Chosen, NONE, Problem};

/// Settles classes in random order, each with a random term whose operands are settled.
pub fn choose(p: &Problem, seed: u64) -> Chosen {
    let mut chosen = vec![NONE; p.ids.len()];
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = move |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % n
    };
    loop {
        let ready: Vec<(usize, Vec<usize>)> = (0..p.ids.len())
            .filter(|c| chosen[*c] == NONE)
            .map(|c| (c, candidates(p, c, &chosen)))
            .filter(|(_, k)| !k.is_empty())
            .collect();
        if ready.is_empty() {
            return chosen;
        }
        let sure = random(ready.len());
        for (i, (class, candidates)) in ready.into_iter().enumerate() {
            // Waiting lets other terms of the class become possible.
            if i == sure || random(2) == 0 {
                chosen[class] = candidates[random(candidates.len())];
            }
        }
    }
}

fn candidates(p: &Problem, class: usize, chosen: &Chosen) -> Vec<usize> {
    let settled = |k: &usize| {
        let n = &p.nodes[class][*k];
        n.price.is_finite() && n.children.iter().all(|c| chosen[*c] != NONE)
    };
    (0..p.nodes[class].len()).filter(settled).collect()
}
