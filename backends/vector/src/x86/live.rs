//! How long virtual registers live, and what is never read.

use super::code::{Class, Ins, Role, V};

/// Iterations a loop is taken to have: an accumulator of the innermost loop outweighs what is used often around it.
const LOOP: f64 = 32.0;

/// Where a register lives: from the first write to the last read, loops that carry it included. Reads of instruction p
/// are at 2p, writes at 2p + 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The register.
    pub v: V,
    /// First position.
    pub start: u32,
    /// Last position.
    pub end: u32,
    /// Reads and writes for every position it lives at; those in loops count more with every level.
    pub weight: f64,
}

/// The intervals of all registers in use, by start.
pub fn intervals(code: &mut [Ins], registers: usize) -> Vec<Interval> {
    let mut all: Vec<Option<Interval>> = vec![None; registers];
    let mut loops: Vec<(u32, u32)> = vec![];
    let mut open: Vec<u32> = vec![];
    for (p, i) in code.iter_mut().enumerate() {
        let p = p as u32;
        match i {
            Ins::Enter => open.push(p),
            Ins::Repeat => loops.push((open.pop().expect("loops nest"), p)),
            _ => {}
        }
        let weight = LOOP.powi(open.len().min(8) as i32);
        i.each(&mut |v, role| {
            let (first, last) = match role {
                Role::Use | Role::Early => (2 * p, 2 * p),
                Role::Def => (2 * p + 1, 2 * p + 1),
                Role::Both => (2 * p, 2 * p + 1),
            };
            let last = if role == Role::Early { last + 1 } else { last };
            let t = all[*v as usize].get_or_insert(Interval { v: *v, start: first, end: last, weight: 0.0 });
            t.start = t.start.min(first);
            t.end = t.end.max(last);
            t.weight += weight;
        });
    }
    // Inner loops end first, so that what one carries is seen by the next around it.
    for (enter, repeat) in loops {
        for t in all.iter_mut().flatten() {
            if t.start < 2 * enter && t.end > 2 * enter && t.end < 2 * repeat {
                t.end = 2 * repeat;
            }
        }
    }
    let mut out: Vec<Interval> = all.into_iter().flatten().collect();
    out.iter_mut().for_each(|t| t.weight /= f64::from(t.end - t.start + 1));
    out.sort_by_key(|t| (t.start, t.v));
    out
}

/// Removes what computes values that nothing reads.
pub fn remove_dead(code: &mut Vec<Ins>, classes: &[Class]) {
    loop {
        let mut read = vec![false; classes.len()];
        for i in code.iter_mut() {
            i.each(&mut |v, role| read[*v as usize] |= role == Role::Use);
        }
        let before = code.len();
        code.retain_mut(|i| {
            let mut dead = i.is_pure();
            i.each(&mut |v, role| dead &= role == Role::Use || !read[*v as usize]);
            !dead
        });
        let flags = |i: &Ins| matches!(i, Ins::Set { .. } | Ins::Cmov { .. } | Ins::JumpIf(..));
        let used: Vec<bool> = (0..code.len()).map(|p| code.get(p + 1).is_some_and(flags)).collect();
        let mut p = 0;
        code.retain(|i| {
            p += 1;
            used[p - 1]
                || !matches!(
                    i,
                    Ins::Compare { .. } | Ins::CompareImm { .. } | Ins::Test { .. } | Ins::CompareFloat { .. }
                )
        });
        if code.len() == before {
            return;
        }
    }
}
