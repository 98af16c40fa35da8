//! Placement of buffers in an arena: intervals in, offsets out.

use std::cmp::Reverse;

/// A buffer that is alive from step `first` to step `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Step that writes it first.
    pub first: u32,
    /// Last step that uses it, at least `first`; `u32::MAX` for the end.
    pub last: u32,
    /// Its size.
    pub bytes: u64,
}

/// Where each buffer is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Offset of each interval, a multiple of the alignment.
    pub offsets: Vec<u64>,
    /// Bytes that hold them all; `u64::MAX` when no memory could.
    pub arena: u64,
}

/// Places the largest buffer first, each at the lowest offset that is free over its lifetime. Offsets are multiples of
/// `align`, which must not be 0. The result depends on nothing but the arguments.
pub fn place(buffers: &[Interval], align: u64) -> Plan {
    let mut order: Vec<usize> = (0..buffers.len()).filter(|&i| buffers[i].bytes > 0).collect();
    order.sort_by_key(|&i| (Reverse(buffers[i].bytes), i));
    let mut plan = Plan { offsets: vec![0; buffers.len()], arena: 0 };
    let mut lives = Lifetimes::new(buffers);
    let mut taken = vec![];
    for i in order {
        taken.clear();
        lives.meeting(i, |j| taken.push((plan.offsets[j], end(plan.offsets[j], buffers[j].bytes))));
        taken.sort_unstable_by_key(|(low, _)| *low);
        plan.offsets[i] = lowest_gap(&taken, buffers[i].bytes, align);
        plan.arena = plan.arena.max(end(plan.offsets[i], buffers[i].bytes));
        lives.insert(i);
    }
    plan
}

fn end(offset: u64, bytes: u64) -> u64 {
    offset.saturating_add(bytes)
}

/// Lowest aligned offset with `bytes` free, given the sorted ranges that are not.
fn lowest_gap(taken: &[(u64, u64)], bytes: u64, align: u64) -> u64 {
    let mut at = 0u64;
    for &(low, high) in taken {
        if end(at, bytes) <= low {
            break;
        }
        at = at.max(high.checked_next_multiple_of(align).unwrap_or(u64::MAX));
    }
    at
}

/// The lifetimes placed so far. Two lifetimes meet when one holds the other's first moment, so those that meet one are
/// those that hold its first moment (a segment tree answers) and those that begin later within it (a list by moment).
struct Lifetimes {
    /// First and last moment of each interval, counted in distinct first steps.
    spans: Vec<(usize, usize)>,
    /// Number of leaves of the tree.
    leaves: usize,
    /// Intervals that cover all of a node's moments, and not all of its parent's.
    tree: Vec<Vec<usize>>,
    /// Intervals by their first moment.
    starts: Vec<Vec<usize>>,
}

impl Lifetimes {
    fn new(buffers: &[Interval]) -> Self {
        let mut moments: Vec<u32> = buffers.iter().map(|b| b.first).collect();
        moments.sort_unstable();
        moments.dedup();
        let span = |b: &Interval| {
            let first = moments.partition_point(|m| *m < b.first);
            (first, moments.partition_point(|m| *m <= b.last).saturating_sub(1).max(first))
        };
        let leaves = moments.len().next_power_of_two();
        Lifetimes {
            spans: buffers.iter().map(span).collect(),
            leaves,
            tree: vec![vec![]; 2 * leaves],
            starts: vec![vec![]; moments.len()],
        }
    }

    fn insert(&mut self, i: usize) {
        let (first, last) = self.spans[i];
        self.starts[first].push(i);
        let (mut low, mut high) = (first + self.leaves, last + self.leaves + 1);
        while low < high {
            if low % 2 == 1 {
                self.tree[low].push(i);
                low += 1;
            }
            if high % 2 == 1 {
                high -= 1;
                self.tree[high].push(i);
            }
            (low, high) = (low / 2, high / 2);
        }
    }

    /// Calls `f` with every inserted interval that is alive at a moment of interval `i`.
    fn meeting(&self, i: usize, mut f: impl FnMut(usize)) {
        let (first, last) = self.spans[i];
        let mut node = first + self.leaves;
        while node > 0 {
            self.tree[node].iter().for_each(|&j| f(j));
            node /= 2;
        }
        self.starts[first + 1..=last].iter().flatten().for_each(|&j| f(j));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng, rngs::StdRng};

    fn meet(a: &Interval, b: &Interval) -> bool {
        a.first <= b.last && b.first <= a.last
    }

    /// The same rule, written without a data structure.
    fn place_slowly(buffers: &[Interval], align: u64) -> Vec<u64> {
        let mut order: Vec<usize> = (0..buffers.len()).filter(|&i| buffers[i].bytes > 0).collect();
        order.sort_by_key(|&i| (Reverse(buffers[i].bytes), i));
        let mut offsets = vec![0; buffers.len()];
        for (n, &i) in order.iter().enumerate() {
            let met = order[..n].iter().filter(|&&j| meet(&buffers[i], &buffers[j]));
            let mut taken: Vec<_> = met.map(|&j| (offsets[j], offsets[j] + buffers[j].bytes)).collect();
            taken.sort_unstable();
            offsets[i] = lowest_gap(&taken, buffers[i].bytes, align);
        }
        offsets
    }

    fn random(rng: &mut StdRng, n: u32, steps: u32) -> Vec<Interval> {
        let one = |_| {
            let first = rng.random_range(0..steps);
            let last = if rng.random_bool(0.05) { u32::MAX } else { first + rng.random_range(0..steps / 4 + 1) };
            Interval { first, last, bytes: rng.random_range(0..500) }
        };
        (0..n).map(one).collect()
    }

    #[test]
    fn a_chain_needs_two_buffers() {
        let chain: Vec<_> = (0..10).map(|i| Interval { first: i, last: i + 1, bytes: 64 }).collect();
        assert_eq!(place(&chain, 64).arena, 128);
    }

    #[test]
    fn live_buffers_are_apart_and_as_the_plain_rule_says() {
        let mut rng = StdRng::seed_from_u64(7);
        for n in 0..120 {
            let buffers = random(&mut rng, n, 1 + n / 2);
            let plan = place(&buffers, 64);
            assert_eq!(plan.offsets, place_slowly(&buffers, 64));
            assert!(plan.offsets.iter().all(|o| o % 64 == 0));
            for (i, a) in buffers.iter().enumerate() {
                assert!(plan.offsets[i] + a.bytes <= plan.arena || a.bytes == 0);
                for (j, b) in buffers.iter().enumerate().take(i).filter(|(_, b)| meet(a, b)) {
                    let (x, y) = (plan.offsets[i], plan.offsets[j]);
                    assert!(
                        x + a.bytes <= y || y + b.bytes <= x || a.bytes * b.bytes == 0,
                        "{a:?} at {x}, {b:?} at {y}"
                    );
                }
            }
        }
    }

    #[test]
    fn nothing_overflows() {
        let huge = Interval { first: 0, last: u32::MAX, bytes: u64::MAX - 3 };
        assert_eq!(place(&[huge, huge, huge], 64).arena, u64::MAX);
        assert_eq!(place(&[], 64), Plan::default());
    }
}
