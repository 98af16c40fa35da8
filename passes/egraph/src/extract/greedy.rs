//! Bottom-up choice: classes are settled in the order of their price, each price counting shared terms once.

use super::{Chosen, NONE, Problem};
use std::cmp::Ordering;
use std::collections::{BTreeSet, BinaryHeap};

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
    let mut s = Settling::new(p);
    while let Some(offer) = s.offers.pop() {
        if s.chosen[offer.class] == NONE {
            s.settle(&offer);
        }
    }
    s.chosen
}

struct Settling<'a> {
    p: &'a Problem,
    chosen: Chosen,
    /// Price of the chosen term of each settled class, its operands not counted.
    price: Vec<f64>,
    /// Every class that the chosen term of each settled class needs, itself included.
    needs: Vec<Set>,
    /// Candidates that read each class.
    users: Vec<Vec<(usize, usize)>>,
    /// How many operands of each candidate are not settled.
    missing: Vec<Vec<usize>>,
    offers: BinaryHeap<Offer>,
}

impl<'a> Settling<'a> {
    fn new(p: &'a Problem) -> Self {
        let n = p.ids.len();
        let (users, needs, missing) = (vec![vec![]; n], vec![vec![]; n], vec![vec![]; n]);
        let mut s = Settling {
            p,
            chosen: vec![NONE; n],
            price: vec![0.0; n],
            needs,
            users,
            missing,
            offers: BinaryHeap::new(),
        };
        for (class, nodes) in p.nodes.iter().enumerate() {
            for (candidate, node) in nodes.iter().enumerate() {
                let children: BTreeSet<usize> = node.children.iter().copied().collect();
                s.missing[class].push(children.len());
                if children.is_empty() {
                    s.offers.push(Offer { price: node.price, class, candidate });
                }
                children.into_iter().for_each(|c| s.users[c].push((class, candidate)));
            }
        }
        s
    }

    fn settle(&mut self, offer: &Offer) {
        let node = &self.p.nodes[offer.class][offer.candidate];
        self.chosen[offer.class] = offer.candidate;
        self.price[offer.class] = node.price;
        let mut set = self.union(&node.children);
        set[offer.class / 64] |= 1 << (offer.class % 64);
        self.needs[offer.class] = set;
        for (class, candidate) in std::mem::take(&mut self.users[offer.class]) {
            self.missing[class][candidate] -= 1;
            if self.missing[class][candidate] == 0 && self.chosen[class] == NONE {
                let node = &self.p.nodes[class][candidate];
                let price = node.price + sum(&self.union(&node.children), &self.price);
                self.offers.push(Offer { price, class, candidate });
            }
        }
    }

    /// Every class that these need.
    fn union(&self, classes: &[usize]) -> Set {
        let mut out = vec![0u64; self.p.ids.len().div_ceil(64)];
        for c in classes {
            out.iter_mut().zip(&self.needs[*c]).for_each(|(o, s)| *o |= s);
        }
        out
    }
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
