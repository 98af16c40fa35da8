//! Bottom-up choice: classes are settled in the order of their price, each price counting shared terms once.

use super::{Chosen, NONE, Problem};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A set of classes, one bit each.
type Set = Vec<u64>;

#[derive(PartialEq)]
struct Offer {
    price: f64,
    class: usize,
    candidate: usize,
}

impl Eq for Offer {}
impl Ord for Offer {
    /// Cheapest first, then by number, so that the order is always the same.
    fn cmp(&self, o: &Self) -> Ordering {
        o.price.total_cmp(&self.price).then((o.class, o.candidate).cmp(&(self.class, self.candidate)))
    }
}
impl PartialOrd for Offer {
    fn partial_cmp(&self, o: &Self) -> Option<Ordering> {
        Some(self.cmp(o))
    }
}

/// Settles every class once, with a term whose operands are settled: the choice cannot lead back to itself.
pub fn choose(p: &Problem) -> Chosen {
    let n = p.ids.len();
    let (mut chosen, mut price) = (vec![NONE; n], vec![0.0; n]);
    let mut sets: Vec<Set> = vec![vec![]; n];
    let mut users: Vec<Vec<(usize, usize)>> = vec![vec![]; n];
    let mut missing: Vec<Vec<usize>> = vec![vec![]; n];
    let mut heap = BinaryHeap::new();
    for (class, nodes) in p.nodes.iter().enumerate() {
        for (candidate, node) in nodes.iter().enumerate() {
            let mut children = node.children.clone();
            children.sort();
            children.dedup();
            missing[class].push(children.len());
            if children.is_empty() {
                heap.push(Offer { price: node.price, class, candidate });
            }
            children.into_iter().for_each(|c| users[c].push((class, candidate)));
        }
    }
    while let Some(offer) = heap.pop() {
        if chosen[offer.class] != NONE {
            continue;
        }
        chosen[offer.class] = offer.candidate;
        let node = &p.nodes[offer.class][offer.candidate];
        price[offer.class] = node.price;
        let mut set = union(&node.children, &sets, n);
        set[offer.class / 64] |= 1 << (offer.class % 64);
        sets[offer.class] = set;
        for (class, candidate) in users[offer.class].clone() {
            missing[class][candidate] -= 1;
            if missing[class][candidate] == 0 && chosen[class] == NONE {
                let node = &p.nodes[class][candidate];
                let shared = sum(&union(&node.children, &sets, n), &price);
                heap.push(Offer { price: node.price + shared, class, candidate });
            }
        }
    }
    chosen
}

fn union(children: &[usize], sets: &[Set], n: usize) -> Set {
    let mut out = vec![0u64; n.div_ceil(64)];
    for c in children {
        out.iter_mut().zip(&sets[*c]).for_each(|(o, s)| *o |= s);
    }
    out
}

fn sum(set: &Set, price: &[f64]) -> f64 {
    let mut total = 0.0;
    for (k, word) in set.iter().enumerate() {
        let mut word = *word;
        while word != 0 {
            total += price[64 * k + word.trailing_zeros() as usize];
            word &= word - 1;
        }
    }
    total
}
